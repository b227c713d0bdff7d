//! From a change that was published and swept to the moment when nothing is left of what it forbids.

use bulkhead_protocol::feed::Position;
use tokio::task::JoinSet;

use crate::registry::Registry;

/// Waits for the connections that were cut to be really gone; one wait at a time, the next one for the latest change.
#[derive(Debug)]
pub(super) struct Enforcing {
    registry: Registry,
    waiting: JoinSet<Position>,
    next: Option<Position>,
}

impl Enforcing {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, waiting: JoinSet::new(), next: None }
    }

    /// The truth up to here is published, and what it forbids was cut.
    pub(super) fn begin(&mut self, position: Position) {
        if self.waiting.is_empty() { self.wait(position) } else { self.next = Some(position) }
    }

    /// The next position up to which nothing is open that the truth forbids. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Position {
        loop {
            match self.waiting.join_next().await {
                Some(Ok(position)) => {
                    if let Some(next) = self.next.take() {
                        self.wait(next);
                    }
                    return position;
                }
                // What is not known to be enforced is not acknowledged.
                Some(Err(error)) => tracing::error!(%error, "waiting for connections to close has failed"),
                None => std::future::pending().await,
            }
        }
    }

    fn wait(&mut self, position: Position) {
        let registry = self.registry.clone();
        self.waiting.spawn(async move {
            registry.until_clean().await;
            position
        });
    }
}
