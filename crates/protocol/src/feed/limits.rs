//! How much a subscriber takes from the CA before it refuses.

use std::time::Duration;

/// The limits of one subscriber; going over one ends the stream with an error that names it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The encoded body of one fact or address, in bytes. Default 2 MiB: a policy of some ten thousand rules. A driver's
    /// limit on whole messages must be larger by a signature, a kilobyte is enough.
    pub body_bytes: usize,
    /// Facts in one snapshot. Default 1,000,016: every cutoff, the policy and the issuers.
    pub snapshot_facts: usize,
    /// Cutoffs held together. Default 1,000,000, some 400 MB with their signatures; a cutoff is never dropped to make
    /// room, so beyond this the subscriber stays where it is and grows stale.
    pub cutoffs: usize,
    /// Addresses that are looked up and kept fresh. Default 65,536; beyond it the one unused for longest is forgotten.
    pub addresses: usize,
    /// How long an address stays after it was last looked up. Default 10 minutes.
    pub address_idle: Duration,
    /// Endpoints of one service, over all its ports. Default 10,000.
    pub service_endpoints: usize,
    /// Accepted issuers. Default 64: a few generations of two intermediates.
    pub issuers: usize,
    /// Certificate chains of feed keys that are remembered, so that older facts can be verified again. Default 8.
    pub feed_chains: usize,
    /// What an interval between heartbeats may be. Default 50 ms to 60 s.
    pub heartbeat: std::ops::RangeInclusive<Duration>,
    /// Intervals without a message after which the stream counts as dead. Default 4.
    pub missed_heartbeats: u32,
    /// How long the CA may take to welcome. Default 5 s.
    pub welcome_within: Duration,
    /// The longest pause before reconnecting is drawn from zero up to this at first. Default 250 ms.
    pub first_pause: Duration,
    /// It doubles with each failure up to this. Default 10 s.
    pub longest_pause: Duration,
    /// While nothing else changes, the CA's time is written to disk this often. Default 60 s.
    pub persist_time_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 2 << 20,
            snapshot_facts: 1_000_016,
            cutoffs: 1_000_000,
            addresses: 65_536,
            address_idle: Duration::from_mins(10),
            service_endpoints: 10_000,
            issuers: 64,
            feed_chains: 8,
            heartbeat: Duration::from_millis(50)..=Duration::from_mins(1),
            missed_heartbeats: 4,
            welcome_within: Duration::from_secs(5),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
            persist_time_every: Duration::from_mins(1),
        }
    }
}
