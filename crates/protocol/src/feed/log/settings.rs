//! What a log tells each watcher and how much it keeps for them.

use std::time::Duration;

use crate::feed::Limits;

/// What a log tells each watcher and how much it keeps for them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The certificate of the feed key and its intermediate in DER, leaf first.
    pub feed_chain: Vec<Vec<u8>>,
    /// The interval between heartbeats. Default 500 ms.
    pub heartbeat: Duration,
    /// Facts kept for watchers that come back; who missed more gets a snapshot. Default 4096, some 2 MB.
    pub recent: usize,
    /// What a fact may be, the same as watchers take.
    pub limits: Limits,
}

impl Settings {
    /// The defaults, with this chain.
    pub fn new(feed_chain: Vec<Vec<u8>>) -> Self {
        Self { feed_chain, heartbeat: Duration::from_millis(500), recent: 4096, limits: Limits::default() }
    }
}
