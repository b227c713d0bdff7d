//! What of the agent's word is told to everybody, and when it is taken back.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Levels, SpiffeId, Timestamp};
use bulkhead_protocol::workload_api::X509svidResponse;
use tokio::sync::{mpsc, watch};

use super::agent::Said;
use super::own::{Own, Svid};
use super::{Identities, response};
use crate::clocks::SharedClocks;

/// Tells everybody what this workload is.
#[derive(Debug)]
pub(super) struct Publisher {
    expected: Option<SpiffeId>,
    levels: watch::Receiver<Levels>,
    clocks: SharedClocks,
    generation: u64,
    svid: watch::Sender<Option<Arc<Svid>>>,
    own: watch::Sender<Option<Arc<Own>>>,
}

impl Publisher {
    pub(super) fn new(
        expected: Option<SpiffeId>,
        levels: watch::Receiver<Levels>,
        clocks: SharedClocks,
    ) -> (Self, Identities) {
        let (svid, svids) = watch::channel(None);
        let (own, owns) = watch::channel(None);
        let publisher = Self { expected, levels, clocks, generation: 0, svid, own };
        (publisher, Identities { svid: svids, own: owns })
    }

    /// Publishes until the agent's word comes no more.
    pub(super) async fn run(mut self, mut said: mpsc::Receiver<Said>) {
        loop {
            let end = self.svid.borrow().as_ref().map_or(Timestamp::MAX, |svid| just_after(svid.not_after()));
            tokio::select! {
                said = said.recv() => match said {
                    Some(Said::Identity(response)) => self.take(response),
                    Some(Said::Denied(reason)) => self.withdraw(&format!("the agent gives none any more: {reason}")),
                    None => return,
                },
                () = self.clocks.until(end) => self.withdraw("it has ended and there is no newer one"),
                Ok(()) = self.levels.changed() => self.tell(),
            }
        }
    }

    /// Believes the agent, or stays with what it had said before.
    pub(super) fn take(&mut self, response: X509svidResponse) {
        match response::read(response, self.expected.as_ref(), self.generation + 1) {
            Ok(svid) if self.clocks.now() > svid.not_after() => {
                tracing::error!(id = %svid.id(), not_after = %svid.not_after(), "the agent gave a certificate that has ended");
            }
            Ok(svid) => self.renew(svid),
            Err(error) => {
                let hint = error.hint();
                tracing::error!(error = &error as &dyn std::error::Error, hint, "the agent's word is refused");
            }
        }
    }

    fn renew(&mut self, svid: Svid) {
        if self.svid.borrow().as_ref().is_some_and(|known| known.is(&svid)) {
            return;
        }
        tracing::info!(id = %svid.id(), not_after = %svid.not_after(), "this workload has a certificate");
        self.generation = svid.generation;
        self.svid.send_replace(Some(Arc::new(svid)));
        self.tell();
    }

    /// Reads the label with the levels that are known now. One that has no name in this mesh is no identity.
    fn tell(&mut self) {
        let levels = self.levels.borrow_and_update().clone();
        let read = self.svid.borrow().as_ref().map(|svid| Own::new(svid, &levels));
        let own = read.transpose().unwrap_or_else(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the own label is not one of the levels known so far"
            );
            None
        });
        self.own.send_replace(own.map(Arc::new));
    }

    fn withdraw(&mut self, reason: &str) {
        if self.svid.send_replace(None).is_some() {
            tracing::error!(reason, "this workload has no certificate any more; nothing passes");
        }
        self.own.send_replace(None);
    }
}

/// RFC 5280, section 4.1.2.5: a certificate is still valid at its notAfter.
fn just_after(not_after: Timestamp) -> Timestamp {
    not_after.plus(Duration::from_millis(1))
}
