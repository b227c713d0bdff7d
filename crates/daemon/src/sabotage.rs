//! Switches that break one promise on purpose, so that the demo can show that it would notice.
//!
//! They exist only in builds with the feature `sabotage`, which no release has; elsewhere [`breaks`] is `false` at
//! compile time and what stands behind it is gone.

/// Whether this process was told, by `BULKHEAD_SABOTAGE`, to break what this step of the demo proves.
#[cfg(feature = "sabotage")]
pub fn breaks(step: u32) -> bool {
    static TOLD: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    let told = TOLD.get_or_init(|| std::env::var("BULKHEAD_SABOTAGE").ok()?.parse().ok());
    *told == Some(step)
}

/// Nothing is broken on purpose here.
#[cfg(not(feature = "sabotage"))]
pub const fn breaks(_step: u32) -> bool {
    false
}
