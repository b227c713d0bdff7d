//! The receipt of a revocation: who claims to enforce it, and for everybody else until when exposure can last.
//!
//! Nothing here depends on what the revoked node does: only instances that are not bound to it are counted.

use std::time::Duration;

use bulkhead_mesh::{NodeEpoch, Policy, Staleness, Timestamp};
use bulkhead_protocol::feed::Position;

use crate::fanout::{Acknowledgement, Acknowledgements};
use crate::store::RegistrationRecord;

/// How far a revocation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Living instances that are not bound to the revoked node, connected or not.
    pub expected: usize,
    /// How many of them claim to enforce it.
    pub enforced: usize,
    /// From the commit to the last of their acknowledgements.
    pub elapsed: Duration,
    /// Connections that they closed for it.
    pub connections_closed: u64,
    /// The others.
    pub silent: Vec<Silent>,
}

/// An instance that has not said that it enforces the revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Which.
    pub instance: RegistrationRecord,
    /// Until when it may go on talking to the revoked node at the latest.
    pub exposed_until: Timestamp,
}

/// What a receipt is made from.
#[derive(Debug)]
pub struct Revoked<'a> {
    /// The life that was ended.
    pub life: &'a NodeEpoch,
    /// The fact that ended it.
    pub position: Position,
    /// The CA's time at the commit.
    pub at: Timestamp,
    /// When the last certificate bound to it ends.
    pub last_not_after: Timestamp,
}

impl Receipt {
    /// Counts who of the living enforces the revocation.
    pub fn count(
        revoked: &Revoked<'_>,
        living: &[RegistrationRecord],
        said: &Acknowledgements,
        policy: &Policy,
    ) -> Self {
        let others = || living.iter().filter(|copy| copy.node != *revoked.life);
        let enforcing: Vec<Acknowledgement> =
            others().filter_map(|copy| said.enforced(copy.id, revoked.position)).collect();
        let is_silent = |copy: &&RegistrationRecord| said.enforced(copy.id, revoked.position).is_none();
        let exposure = |copy: &RegistrationRecord| exposed_until(revoked, copy, said.is_connected(copy.id), policy);
        let silent = others().filter(is_silent);
        Self {
            expected: others().count(),
            enforced: enforcing.len(),
            elapsed: enforcing.iter().map(|said| said.at.since(revoked.at)).max().unwrap_or_default(),
            connections_closed: enforcing.iter().map(|said| said.connections_closed).sum(),
            silent: silent.map(|copy| Silent { instance: copy.clone(), exposed_until: exposure(copy) }).collect(),
        }
    }

    /// Whether nobody is silent.
    pub fn is_complete(&self) -> bool {
        self.silent.is_empty()
    }
}

/// A certificate ends by itself; and a strict proxy that hears nothing closes everything before that.
///
/// A silent proxy that is connected hears heartbeats, so its staleness bounds nothing.
fn exposed_until(revoked: &Revoked<'_>, copy: &RegistrationRecord, connected: bool, policy: &Policy) -> Timestamp {
    match policy.staleness_of(&copy.label.level) {
        Some(Staleness::Strict(limit)) if !connected => revoked.last_not_after.min(revoked.at.plus(limit)),
        _ => revoked.last_not_after,
    }
}
