//! What a registration's socket has to give at a moment, and what a client that follows it is told next.
//!
//! The rules are pure (`step`); [`Follower`] waits for what they wait for.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::SharedClock;
use bulkhead_identity::TrustBundle;
use bulkhead_mesh::Timestamp;
use tokio::sync::watch;

use crate::certified::Certified;

/// All that one registration has to give now.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The roots of the trust domain.
    pub bundle: Arc<TrustBundle>,
    /// The newest certificate, if there was one yet.
    pub svid: Option<Arc<Certified>>,
    /// Set once nothing is to be given any more.
    pub ended: Option<Ended>,
}

impl Offer {
    /// Whether there is a certificate that is valid now.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.svid.as_ref().is_some_and(|svid| now <= svid.leaf().not_after)
    }
}

/// Why nothing is given any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The operator removed the registration.
    Removed,
    /// The agent is stopping.
    Stopping,
}

/// Why a client is told no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Refusal {
    #[error("the registration of this workload was removed")]
    Removed,
    #[error("the agent is stopping")]
    Stopping,
    #[error("the certificate of this workload has ended at {0} and there is no newer one")]
    Expired(Timestamp),
    #[error("there is no certificate of this workload yet")]
    NotYet,
}

/// What one message to a client carries.
#[derive(Clone, Debug)]
pub struct Given {
    /// The certificate.
    pub svid: Arc<Certified>,
    /// The roots that peers' certificates are checked against.
    pub bundle: Arc<TrustBundle>,
}

/// One client's stream: gives each new certificate once, and ends with the reason why there is no more.
#[derive(Debug)]
pub struct Follower {
    offers: watch::Receiver<Offer>,
    clock: SharedClock,
    patience: Timestamp,
    given: Option<Given>,
}

impl Follower {
    /// Follows an offer; the first certificate is waited for no longer than `patience`.
    pub fn new(offers: watch::Receiver<Offer>, clock: SharedClock, patience: Duration) -> Self {
        let patience = clock.now().plus(patience);
        Self { offers, clock, patience, given: None }
    }

    /// The next certificate, or why there is none; nothing may be asked after that.
    pub async fn next(&mut self) -> Result<Given, Refusal> {
        loop {
            let offer = self.offers.borrow_and_update().clone();
            match step(&offer, self.given.as_ref(), self.patience, self.clock.now()) {
                Step::Give(given) => return Ok(self.given.insert(given).clone()),
                Step::Refuse(refusal) => return Err(refusal),
                Step::Wait(moment) => self.wait(moment).await?,
            }
        }
    }

    /// The roots of the trust domain when they are not those that were `given`; at first, whatever they are.
    pub async fn next_bundle(&mut self, given: Option<&Arc<TrustBundle>>) -> Result<Arc<TrustBundle>, Refusal> {
        loop {
            let offer = self.offers.borrow_and_update().clone();
            if let Some(ended) = offer.ended {
                return Err(ended.into());
            }
            if given.is_none_or(|given| **given != *offer.bundle) {
                return Ok(offer.bundle);
            }
            self.wait(Timestamp::MAX).await?;
        }
    }

    async fn wait(&mut self, moment: Timestamp) -> Result<(), Refusal> {
        tokio::select! {
            changed = self.offers.changed() => changed.map_err(|_| Refusal::Stopping),
            () = self.clock.until(moment) => Ok(()),
        }
    }
}

/// What a follower does next.
#[derive(Debug)]
enum Step {
    Give(Given),
    Refuse(Refusal),
    /// Nothing changes before this moment unless the offer does.
    Wait(Timestamp),
}

fn step(offer: &Offer, given: Option<&Given>, patience: Timestamp, now: Timestamp) -> Step {
    if let Some(ended) = offer.ended {
        return Step::Refuse(ended.into());
    }
    match (&offer.svid, given) {
        (Some(svid), given) if now <= svid.leaf().not_after => {
            let next = Given { svid: Arc::clone(svid), bundle: Arc::clone(&offer.bundle) };
            if given.is_some_and(|given| given.is(&next)) {
                Step::Wait(just_after(svid.leaf().not_after))
            } else {
                Step::Give(next)
            }
        }
        (_, Some(given)) => Step::Refuse(Refusal::Expired(given.svid.leaf().not_after)),
        (_, None) if now < patience => Step::Wait(patience),
        (Some(old), None) => Step::Refuse(Refusal::Expired(old.leaf().not_after)),
        (None, None) => Step::Refuse(Refusal::NotYet),
    }
}

impl Given {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.svid, &other.svid) && self.bundle == other.bundle
    }
}

impl From<Ended> for Refusal {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Removed => Self::Removed,
            Ended::Stopping => Self::Stopping,
        }
    }
}

/// A certificate is valid at its notAfter (RFC 5280, section 4.1.2.5), and not a moment later.
fn just_after(not_after: Timestamp) -> Timestamp {
    not_after.plus(Duration::from_millis(1))
}

#[cfg(test)]
mod tests;
