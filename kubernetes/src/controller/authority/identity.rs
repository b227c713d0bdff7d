//! Who the directory source is towards the CA: a certificate in memory, renewed when a third of its life has passed.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{SharedClock, chain};
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::renewal::{Action, Input, Lifetime, Renewal, Settings};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::super::dice;
use super::super::metrics::{Asked, Metrics};
use super::{Authority, CaError};

/// One generation: key and certificate.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What is shown to the CA.
    pub own: OwnIdentity,
    /// The last moment at which it is believed.
    pub not_after: Timestamp,
}

/// The identity through its generations.
#[derive(Debug)]
pub struct Identities {
    authority: Authority,
    clock: SharedClock,
    metrics: Metrics,
    current: watch::Sender<Option<Arc<Identity>>>,
    lost: Notify,
}

impl Identities {
    /// None yet.
    pub fn new(authority: Authority, clock: SharedClock, metrics: Metrics) -> Self {
        Self { authority, clock, metrics, current: watch::Sender::new(None), lost: Notify::new() }
    }

    /// Follows the generations.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Identity>>> {
        self.current.subscribe()
    }

    /// The CA does not take this certificate, though it has not ended: another is asked for.
    pub fn forget(&self) {
        self.current.send_replace(None);
        self.lost.notify_one();
    }

    /// Asks, and asks again in time, for ever.
    pub async fn keep_fresh(&self) {
        loop {
            tokio::select! {
                () = self.lost.notified() => {}
                () = self.renew_for_ever() => {}
            }
            // Whoever is refused again and again must not ask at once each time.
            self.clock.until(self.clock.now().plus(REFUSED_PAUSE)).await;
        }
    }

    async fn renew_for_ever(&self) {
        let settings = Settings { first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(15) };
        let mut renewal = Renewal::new(settings);
        loop {
            match renewal.step(Input::Tick, self.clock.now(), dice::throw()) {
                Action::Renew => {
                    let outcome = self.ask().await;
                    renewal.step(outcome, self.clock.now(), dice::throw());
                }
                Action::Expired => drop(self.current.send_replace(None)),
                Action::Wait => self.clock.until(renewal.wake_at()).await,
            }
        }
    }

    async fn ask(&self) -> Input {
        let asked = self.authority.attest().await;
        self.metrics.asked(Asked::Attest, asked.as_ref().err().map(CaError::is_refusal));
        match asked {
            Ok(identity) => {
                let lifetime = Lifetime { not_before: self.clock.now(), not_after: identity.not_after };
                info!(not_after = %identity.not_after, "the CA takes this pod for the directory source");
                self.metrics.not_after(identity.not_after);
                self.current.send_replace(Some(Arc::new(identity)));
                Input::Issued(lifetime)
            }
            Err(problem) => {
                warn!(problem = chain(&problem), "no certificate from the CA; trying again");
                Input::Failed
            }
        }
    }
}

const REFUSED_PAUSE: Duration = Duration::from_secs(1);
