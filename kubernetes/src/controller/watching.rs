//! Watches one kind of object for ever: lists, follows, and lists anew where the API server has forgotten the place.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bulkhead_daemon::chain;
use futures_util::StreamExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tracing::{info, warn};

use super::cluster::{Change, Sight};
use super::metrics::Kind;
use super::retry::Waits;
use super::seen::{self, Seen};
use super::shared::Shared;

/// What is watched of all namespaces, and what a change of it means.
pub(super) struct Watched<O: Seen> {
    /// Which kind it is.
    pub(super) kind: Kind,
    /// How a change is told.
    pub(super) sight: fn(Change<O::Key, O::Kept>) -> Sight,
    /// The only name that counts, if not all do.
    pub(super) named: Option<String>,
}

/// Watches until dropped.
pub(super) async fn watch<O: Seen>(client: Client, shared: Arc<Shared>, watched: Watched<O>) {
    let config = watcher::Config { timeout: Some(SERVER_ENDS_AFTER), ..watcher::Config::default() };
    let config = match &watched.named {
        Some(name) => config.fields(&format!("metadata.name={name}")),
        None => config,
    };
    let mut events = pin!(watcher(Api::<O>::all(client), config).backoff(Waits::default()));
    // The stream never ends: after an error it waits and goes on.
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => told(&shared, &watched, event),
            Err(problem) => failed(&shared, watched.kind, &problem),
        }
    }
}

fn told<O: Seen>(shared: &Shared, watched: &Watched<O>, event: watcher::Event<O>) {
    let kind = watched.kind;
    let listed = matches!(event, watcher::Event::InitDone);
    // That a listing begins is said before the API server is asked.
    if !matches!(event, watcher::Event::Init) {
        shared.board.watch_told(kind, listed);
    }
    if let Some(change) = seen::change(event) {
        shared.see(kind, (watched.sight)(change));
    } else {
        warn!(kind = kind.as_str(), "the API server has sent an object without a name or a UID");
    }
    if listed {
        shared.metrics.listed(kind);
        info!(kind = kind.as_str(), "listed");
    }
}

fn failed(shared: &Shared, kind: Kind, problem: &watcher::Error) {
    shared.metrics.watch_failed(kind);
    let problem = chain(problem);
    warn!(kind = kind.as_str(), problem, "the watch broke off; trying again");
    shared.board.watch_failed(kind, problem, Instant::now());
}

/// Seconds. A connection that is dead without a word is noticed some seconds later.
const SERVER_ENDS_AFTER: u32 = 60;
