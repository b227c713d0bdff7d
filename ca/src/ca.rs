//! What every face of the CA shares: its records, its keys, the truth that it tells, a clock.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bulkhead_daemon::{SharedClock, Stop};
use bulkhead_identity::peer::{PeerError, Truth, VerifiedPeer};
use bulkhead_identity::tls::CurrentTruth;
use bulkhead_mesh::{Policy, Purpose, Timestamp};
use bulkhead_protocol::feed::Statement;
use tokio::sync::watch;

use crate::authority::Authority;
use crate::evidence::Kubernetes;
use crate::fanout::Fanout;
use crate::metrics::Metrics;
use crate::store::{Listing, Store};

/// The CA, once its keys are unsealed and its records are open.
#[derive(Debug)]
pub struct Ca {
    /// Its records.
    pub store: Store,
    /// Its keys.
    pub authority: Authority,
    /// What it tells everybody who watches.
    pub fanout: Fanout,
    /// What it holds true itself, in step with what it tells.
    pub known: Arc<Known>,
    /// The cluster whose pods prove themselves here, if there is one.
    pub kubernetes: Option<Arc<Kubernetes>>,
    /// The present listing of the directory, once one has begun; the stream of every other one ends.
    pub listing: watch::Sender<Option<Listing>>,
    /// The time.
    pub clock: SharedClock,
    /// What it counts.
    pub metrics: Metrics,
    /// What it was told when it was started.
    pub settings: Settings,
    /// Told when it is to end, so that no stream holds it up.
    pub stop: Stop,
}

/// What an operator decides when the CA is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where nodes reach this CA, `host:port`; goes into each join token.
    pub addresses: Vec<String>,
    /// How long a node's certificate lives.
    pub node_lifetime: Duration,
    /// How long after its end a node's certificate may still be renewed.
    pub renewal_grace: Duration,
    /// What one watcher may cost.
    pub watch: WatchLimits,
}

/// What one watcher may cost before its stream is ended.
#[derive(Clone, Copy, Debug)]
pub struct WatchLimits {
    /// How long it may take to say Hello.
    pub hello: Duration,
    /// How long it may leave a message unread; it resumes where it was when it comes back.
    pub send: Duration,
    /// Addresses that it may use at a time.
    pub addresses: usize,
}

impl Default for WatchLimits {
    /// 10 s, 30 s, and as many addresses as a subscriber keeps.
    fn default() -> Self {
        let (hello, send) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { hello, send, addresses: bulkhead_protocol::feed::Limits::default().addresses }
    }
}

/// The policy in force and what the verifier asks of it, both as of the newest fact.
#[derive(Debug)]
pub struct Known {
    policy: ArcSwap<Policy>,
    truth: ArcSwap<Truth>,
}

impl Known {
    /// What stands before the first fact is read: the default policy, and no issuer at all.
    pub fn new(truth: Truth) -> Self {
        Self { policy: ArcSwap::from_pointee(Policy::default()), truth: ArcSwap::from_pointee(truth) }
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Forgets the cutoffs that no certificate can meet any more. How many.
    pub(crate) fn expire(&self, now: Timestamp) -> usize {
        let mut truth = Truth::clone(&self.truth.load());
        let expired = truth.cutoffs.expire(now);
        if expired > 0 {
            self.truth.store(Arc::new(truth));
        }
        expired
    }

    /// Learns what new facts say, all at once: who looks sees either none of them or all.
    pub(crate) fn learn(&self, statements: &[Statement]) {
        let mut truth = Truth::clone(&self.truth.load());
        for statement in statements {
            match statement {
                Statement::Policy(policy) => {
                    truth.levels = policy.levels().clone();
                    self.policy.store(Arc::clone(policy));
                }
                Statement::Issuers(issuers) => truth.issuers = issuers.iter().copied().collect(),
                Statement::Cutoff(cutoff) => drop(truth.cutoffs.insert(cutoff.clone())),
            }
        }
        self.truth.store(Arc::new(truth));
    }
}

impl CurrentTruth for Known {
    fn truth(&self) -> Arc<Truth> {
        self.truth.load_full()
    }
}

impl Ca {
    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a peer that was verified when it connected would still be believed, and whether it would be late.
    pub fn recheck(&self, peer: &VerifiedPeer) -> Result<Punctuality, PeerError> {
        let (now, not_after, truth) = (self.now(), peer.not_after(), self.known.truth());
        let grace =
            if matches!(peer.purpose(), Purpose::Node(_)) { self.settings.renewal_grace } else { Duration::ZERO };
        if now > not_after.plus(grace) {
            return Err(PeerError::Expired { not_after, grace, now });
        }
        if !truth.issuers.include(&peer.issuer()) {
            return Err(PeerError::IssuerNotAccepted { issuer: peer.issuer() });
        }
        match truth.cutoffs.voids(peer.credential()) {
            Some(cutoff) => Err(PeerError::CutOff { cutoff: Box::new(cutoff.clone()) }),
            None if now > not_after => Ok(Punctuality::Late),
            None => Ok(Punctuality::InTime),
        }
    }
}

/// Whether a certificate has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punctuality {
    /// It has not.
    InTime,
    /// It has, and its holder is a node within its grace: it may renew, and nothing else.
    Late,
}
