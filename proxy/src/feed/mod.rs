//! Follows the CA's feed: what it says is published, enforced, kept on the disk, and only then acknowledged.
//!
//! Everything that is decided here is decided by `protocol`'s subscriber; this is its driver. The order is the promise:
//! publish the truth, sweep the index of live connections, wait until what was cut is really gone, have it on the disk,
//! acknowledge. Whoever opens something enters the index before reading the truth, so nothing slips between.

mod actions;
mod believe;
pub(crate) mod dial;
mod driver;
mod enforcing;
mod line;
mod persisting;
mod restore;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use bulkhead_daemon::Stop;
use bulkhead_protocol::feed::subscriber::Held;
use bulkhead_protocol::feed::{Limits, Subscriber};
use bulkhead_protocol::transport::ConnectLimits;
use tokio::task::spawn_blocking;

use crate::clocks::SharedClocks;
use crate::directory::{Desk, Directory, DirectoryLimits};
use crate::disk::HeldFile;
use crate::identity_source::{Identities, Svid};
use crate::registry::Registry;
use crate::truth::Truth;
use dial::{Ca, Dial};
use driver::{Driver, Pending};
use enforcing::Enforcing;
use line::Line;
use persisting::Persisting;

/// Where the feed comes from and where it is kept.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The CA's addresses, each `host:port`, in the order in which they are tried.
    pub ca: Vec<String>,
    /// The directory in which the truth is kept.
    pub state: PathBuf,
    /// This program's version, for operators to read.
    pub version: String,
    /// How much is taken from the CA.
    pub limits: Limits,
    /// How long connecting may take.
    pub connect: ConnectLimits,
    /// How much of the directory is at hand, and how long its answers are waited for.
    pub directory: DirectoryLimits,
}

/// The task that follows the feed, before it runs.
#[derive(Debug)]
pub struct Feed {
    dial: Box<dyn Dial>,
    identities: Identities,
    truth: Arc<Truth>,
    registry: Registry,
    clocks: SharedClocks,
    desk: Desk,
    file: HeldFile,
    version: String,
    limits: Limits,
}

impl Feed {
    /// A follower of the CA, and the directory that it answers.
    pub fn new(
        settings: FeedSettings,
        identities: Identities,
        truth: Arc<Truth>,
        registry: Registry,
        clocks: SharedClocks,
    ) -> (Self, Directory) {
        let FeedSettings { ca, state, version, limits, connect, directory } = settings;
        let dial = Ca {
            addresses: ca.into(),
            truth: Arc::clone(&truth),
            clocks: Arc::clone(&clocks),
            limits: connect,
            feed: limits.clone(),
        };
        let (directory, desk) = Directory::new(directory);
        let file = HeldFile::new(state);
        (Self { dial: Box::new(dial), identities, truth, registry, clocks, desk, file, version, limits }, directory)
    }

    /// Follows the feed until told to stop; its owner waits for it, for the last write to the disk.
    pub async fn run(mut self, stop: Stop) {
        let svid = tokio::select! {
            () = stop.stopped() => return,
            svid = self.identities.svid.wait_for(Option::is_some) => svid.ok().and_then(|svid| svid.clone()),
        };
        // Without a source of identity nobody will ever say what this workload is.
        if let Some(svid) = svid {
            let held = tokio::select! {
                () = stop.stopped() => return,
                held = self.restore(svid) => held,
            };
            self.driver(held).run(&stop).await;
        }
    }

    /// Checking the signatures of a large truth takes a while, which no other task should wait for.
    async fn restore(&self, svid: Arc<Svid>) -> Held {
        let (file, limits, now) = (self.file.clone(), self.limits.clone(), self.clocks.now());
        let restored = spawn_blocking(move || restore::restore(&file, &svid.bundle, &limits, now)).await;
        restored.unwrap_or_default()
    }

    fn driver(self, held: Held) -> Driver {
        let Self { dial, identities, truth, registry, clocks, desk, file, version, limits } = self;
        let position = held.position();
        Driver {
            subscriber: Subscriber::new(held, version, limits.clone(), clocks.moment()),
            line: Line::new(dial, identities.svid),
            own: identities.own,
            unwelcome: identities.unwelcome,
            persisting: Persisting::new(file, position),
            pending: Pending::default(),
            enforcing: Enforcing::new(registry.clone()),
            truth,
            registry,
            clocks,
            desk,
            limits,
        }
    }
}
