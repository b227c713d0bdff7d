//! Many watchers of the feed in one process: what sidecars do with it, less the connections and the disk.
//!
//! Each has an identity of its own, a connection of its own and a [`bulkhead_protocol::feed::Subscriber`] of its own,
//! verifies every signature itself and acknowledges what it holds. There is nothing for it to cut, and it keeps nothing
//! on a disk: a thousand proxies have a thousand disks, and here they would measure one.

mod believe;
mod line;
mod watcher;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::workload_api;
use watcher::Watcher;

/// What all watchers of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Where the CA answers, `host:port`.
    pub(crate) ca: Arc<[String]>,
    /// So many may ask for their identity, or connect, at a time.
    pub(crate) turns: Arc<Semaphore>,
    /// How many have acknowledged what they were told first.
    pub(crate) ready: watch::Sender<usize>,
}

/// Watches with the identity of each of these sockets until dropped; `ready` is called once, when all of them have
/// acknowledged what they were told first.
pub async fn watch_all(ca: String, sockets: Vec<PathBuf>, ready: impl FnOnce(usize)) -> Result<()> {
    let (turns, all) = (Arc::new(Semaphore::new(AT_ONCE)), sockets.len());
    let shared = Shared { ca: Arc::from([ca]), turns, ready: watch::Sender::new(0) };
    let mut told = shared.ready.subscribe();
    let mut watchers = JoinSet::new();
    for (number, socket) in (0..).zip(sockets) {
        watchers.spawn(watch_one(shared.clone(), number, socket));
    }
    tokio::select! {
        Some(ended) = watchers.join_next() => return ended.context("a watcher panicked")?,
        reached = told.wait_for(|ready| *ready >= all) => drop(reached?),
    }
    ready(all);
    while let Some(ended) = watchers.join_next().await {
        ended.context("a watcher panicked")??;
    }
    Ok(())
}

async fn watch_one(shared: Shared, number: u32, socket: PathBuf) -> Result<()> {
    let svid = {
        let _turn = shared.turns.acquire().await?;
        workload_api::fetch(&socket).await?
    };
    ensure!(!svid.chain.is_empty(), "{} has an identity without a certificate", socket.display());
    Watcher::new(shared, number, svid)?.watch().await;
    Ok(())
}

/// Fewer than the handshakes that the CA lets one address have under way at a time.
const AT_ONCE: usize = 12;
