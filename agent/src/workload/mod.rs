//! One registration while it lasts: its certificate, kept fresh, and its socket, kept open.

mod socket;

use std::sync::Arc;

use bulkhead_daemon::{Stop, Stopper, chain};
use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::signing_request;
use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::{Purpose, SpiffeId};
use bulkhead_protocol::convert::Registration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::ca_client::CaError;
use crate::certified::{Certified, CertifiedError};
use crate::dice;
use crate::host::Host;
use crate::metrics::{Asked, Outcome};
use crate::offer::{Ended, Offer};
use crate::state::StateError;
use crate::svids::{Event, Slot};

/// A registration that is served.
#[derive(Debug)]
pub struct Workload {
    host: Arc<Host>,
    registration: Registration,
    id: SpiffeId,
    offers: Arc<watch::Sender<Offer>>,
    slot: Slot,
}

impl Workload {
    /// Takes up a registration with the certificate that was kept for it, if there is one.
    pub fn open(host: Arc<Host>, registration: Registration) -> Result<Self, ParseSpiffeIdError> {
        let node = host.identities.current();
        let id = Purpose::Workload(registration.workload.clone()).id(node.membership.bundle.trust_domain())?;
        let kept = kept(&host, &registration, &id).map(Arc::new);
        let slot = Slot::new(kept.as_ref().map(|kept| kept.leaf()), host.clock.now());
        let offer = Offer { bundle: Arc::new(node.membership.bundle.clone()), svid: kept, ended: None };
        let offers = Arc::new(watch::Sender::new(offer));
        host.board.enter(registration.id, offers.subscribe());
        Ok(Self { host, registration, id, offers, slot })
    }

    /// Serves until `end` says why it is over; then the clients are told, and what was removed is cleared away.
    pub async fn run(self, mut end: watch::Receiver<Option<Ended>>) {
        let Self { host, registration, offers, .. } = &self;
        let (host, registration, offers) = (Arc::clone(host), registration.clone(), Arc::clone(offers));
        let (stopper, stop) = Stopper::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(socket::serve(Arc::clone(&host), registration.clone(), offers.subscribe(), stop.clone()));
        tasks.spawn(self.keep_fresh(stop));
        // The owner never goes away without a word; if it did, it was on its way out.
        let ended =
            end.wait_for(Option::is_some).await.map_or(Ended::Stopping, |ended| ended.unwrap_or(Ended::Stopping));
        offers.send_modify(|offer| offer.ended = Some(ended));
        stopper.stop();
        while tasks.join_next().await.is_some() {}
        host.board.leave(registration.id);
        if ended == Ended::Removed {
            socket::clear_away(&host, &registration);
        }
    }

    async fn keep_fresh(mut self, stop: Stop) {
        tokio::select! {
            () = stop.stopped() => {}
            () = self.renew_for_ever() => {}
        }
    }

    async fn renew_for_ever(&mut self) {
        let mut nodes = self.host.identities.subscribe();
        loop {
            if self.slot.asks(self.host.clock.now()) {
                let event = self.ask().await;
                self.slot.happened(&event, self.host.clock.now(), dice::throw());
            }
            let bundle = nodes.borrow_and_update().membership.bundle.clone();
            self.offers.send_if_modified(|offer| {
                let changed = *offer.bundle != bundle;
                if changed {
                    offer.bundle = Arc::new(bundle);
                }
                changed
            });
            tokio::select! {
                () = self.host.clock.until(self.slot.wake_at()) => {}
                changed = nodes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Asks for a certificate once, and offers it.
    async fn ask(&self) -> Event {
        let registration = self.registration.id;
        let (event, outcome) = match self.issue().await {
            Ok(certified) => (self.offer(certified), Outcome::Done),
            Err(AskError::Ca(problem)) if problem.is_refusal() => {
                let (id, problem) = (&self.id, chain(&problem));
                error!(%registration, %id, problem, "the CA refuses a certificate; the one held is served until it ends");
                (Event::Refused, Outcome::Refused)
            }
            Err(problem) => {
                warn!(%registration, id = %self.id, problem = chain(&problem), "no certificate; trying again");
                (Event::Failed, Outcome::Failed)
            }
        };
        self.host.metrics.asked(Asked::Issue, outcome);
        event
    }

    async fn issue(&self) -> Result<Certified, AskError> {
        let host = &self.host;
        let key = PrivateKey::generate().map_err(CertifiedError::Key)?;
        let request = signing_request(&key).map_err(CertifiedError::Key)?;
        let answer = host.ca.issue(&host.identities.current(), self.registration.id, request).await?;
        let certified = Certified::fresh(key, answer.chain, &self.id, host.clock.now())?;
        host.state.keep_workload(self.registration.id, certified.identity())?;
        if let Err(problem) = host.identities.adopt_roots(answer.roots, host.clock.now()) {
            warn!(problem = chain(&problem), "the roots that came with a certificate were not taken");
        }
        Ok(certified)
    }

    fn offer(&self, certified: Certified) -> Event {
        let leaf = certified.leaf().clone();
        info!(registration = %self.registration.id, id = %self.id, not_after = %leaf.not_after, "certificate issued");
        self.offers.send_modify(|offer| offer.svid = Some(Arc::new(certified)));
        Event::Issued(leaf)
    }
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(transparent)]
    Certified(#[from] CertifiedError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// The certificate that an earlier run has kept. One that cannot be read is asked for anew.
fn kept(host: &Host, registration: &Registration, id: &SpiffeId) -> Option<Certified> {
    let identity = host.state.workload(registration.id).unwrap_or_else(|problem| {
        warn!(registration = %registration.id, problem = chain(&problem), "the kept certificate cannot be read");
        None
    })?;
    match Certified::new(identity, id) {
        Ok(certified) => Some(certified),
        Err(problem) => {
            warn!(registration = %registration.id, problem = chain(&problem), "the kept certificate is of no use");
            None
        }
    }
}
