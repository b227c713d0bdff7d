//! Bringing the workload's connections to the proxy, by nftables rules in the workload's network namespace.
//!
//! [`ruleset()`] is pure: a configuration becomes a text. [`install`] hands the text to `nft`; it is run when a workload
//! starts, with rights that the proxy itself does not have. [`check`] is what the proxy can do without rights: prove,
//! again and again, that connections still arrive here.

pub mod check;
mod config;
pub mod install;
mod namespace;
mod ruleset;

pub use config::{CaptureConfig, Exclusions, Ports};
pub use namespace::{Namespace, Whose};
pub use ruleset::ruleset;
