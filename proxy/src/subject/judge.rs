//! Whether what is open may stay open: one pure function of what is known.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::VerifiedPeer;
use bulkhead_mesh::{Direction, Flow, Party, Policy, Purpose, Refusal, Staleness, Timestamp};

use super::{Cut, Kind, Subject};
use crate::identity_source::Own;
use crate::truth::Knowledge;

/// Why this must be cut, if it must. What is asked first is what an operator wants to read: a revocation before an
/// expiry, both before the policy.
pub fn judge(subject: &Subject, own: &Own, knowledge: &Knowledge, staleness: Duration, now: Timestamp) -> Option<Cut> {
    let peer = subject.peer.as_deref();
    peer.and_then(|peer| disbelieved(peer, knowledge))
        .or_else(|| ended(peer, own, now).then_some(Cut::Expired))
        .or_else(|| match &knowledge.policy {
            None => Some(Cut::NoPolicy),
            Some(policy) if stale(policy, own, staleness) => Some(Cut::Stale),
            Some(policy) => denied(subject, own, policy, now).map(Cut::Denied),
        })
}

fn disbelieved(peer: &VerifiedPeer, knowledge: &Knowledge) -> Option<Cut> {
    match knowledge.verify.cutoffs.voids(peer.credential()) {
        Some(cutoff) => Some(Cut::CutOff(Arc::new(cutoff.clone()))),
        None if !knowledge.verify.issuers.include(&peer.issuer()) => Some(Cut::IssuerRetired),
        None => None,
    }
}

/// RFC 5280, section 4.1.2.5: notAfter is the last moment of validity.
fn ended(peer: Option<&VerifiedPeer>, own: &Own, now: Timestamp) -> bool {
    now > own.leaf.not_after || peer.is_some_and(|peer| now > peer.not_after())
}

/// A level of which the policy says nothing is one that it does not know; nothing passes then, whatever the age.
fn stale(policy: &Policy, own: &Own, staleness: Duration) -> bool {
    matches!(policy.staleness_of(&own.label().level), Some(Staleness::Strict(longest)) if staleness > longest)
}

fn denied(subject: &Subject, own: &Own, policy: &Policy, now: Timestamp) -> Option<Refusal> {
    let peer = party(subject.peer.as_deref());
    let (client, server, port, direction) = match subject.kind {
        Kind::Tunnel => return None,
        Kind::Egress { to } => return policy.admit_egress(own.party(), to, now).err(),
        Kind::Inbound { port } => (peer, own.party(), port, Direction::Inbound),
        Kind::Outbound { port } => (own.party(), peer, port, Direction::Outbound),
        Kind::Plain { to } => (own.party(), Party::Unauthenticated, to.port(), Direction::Outbound),
    };
    policy.admit(&Flow { client, server, port, direction }, now).err()
}

/// The peer as the policy sees it. Our faces demand workloads; whoever is none is nobody to the policy.
fn party(peer: Option<&VerifiedPeer>) -> Party<'_> {
    match peer.map(|peer| (peer.purpose(), peer.label())) {
        Some((Purpose::Workload(name), Some(label))) => Party::Workload { name, label },
        _ => Party::Unauthenticated,
    }
}
