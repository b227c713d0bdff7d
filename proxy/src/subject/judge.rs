//! Whether what is open may stay open: one pure function of what is known.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::VerifiedPeer;
use bulkhead_mesh::{Direction, Flow, Mode, Party, Permit, Policy, Purpose, Refusal, Staleness, Timestamp};

use super::{Cut, Kind, Subject};
use crate::identity_source::Own;
use crate::truth::Knowledge;

/// Why this must be cut, if it must. What is asked first is what an operator wants to read: that nothing is known yet, a
/// revocation before an expiry, both before what the policy says.
pub fn judge(
    subject: &Subject,
    own: &Own,
    knowledge: &Knowledge,
    mode: Mode,
    staleness: Duration,
    now: Timestamp,
) -> Option<Cut> {
    let Some(policy) = &knowledge.policy else { return Some(Cut::NoPolicy) };
    let peer = subject.peer.as_deref();
    peer.and_then(|peer| disbelieved(peer, knowledge))
        .or_else(|| ended(peer, own, now).then_some(Cut::Expired))
        .or_else(|| stale(policy, own, staleness).then_some(Cut::Stale))
        .or_else(|| denied(subject, own, policy, mode, now).map(Cut::Denied))
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
pub(crate) fn stale(policy: &Policy, own: &Own, staleness: Duration) -> bool {
    matches!(policy.staleness_of(&own.label().level), Some(Staleness::Strict(longest)) if staleness > longest)
}

/// Decides about a connection, with the proof if it may be; `None` for a tunnel, in which each connection is decided.
pub fn admit(
    subject: &Subject,
    own: &Own,
    policy: &Policy,
    mode: Mode,
    now: Timestamp,
) -> Option<Result<Permit, Refusal>> {
    let peer = party(subject.peer.as_deref());
    let (client, server, port, direction) = match subject.kind {
        Kind::Tunnel => return None,
        Kind::Egress { to } => return Some(policy.admit_egress(own.party(), to, now)),
        Kind::Inbound { port } => (peer, own.party(), port, Direction::Inbound),
        Kind::Outbound { port } => (own.party(), peer, port, Direction::Outbound),
        Kind::Own { port } => (own.party(), own.party(), port, Direction::Outbound),
        Kind::Plain { to } => (own.party(), Party::Unauthenticated, to.port(), Direction::Outbound),
    };
    Some(policy.admit_in(mode, &Flow { client, server, port, direction }, now))
}

fn denied(subject: &Subject, own: &Own, policy: &Policy, mode: Mode, now: Timestamp) -> Option<Refusal> {
    admit(subject, own, policy, mode, now)?.err()
}

/// The peer as the policy sees it. Our faces demand workloads; whoever is none is nobody to the policy.
fn party(peer: Option<&VerifiedPeer>) -> Party<'_> {
    match peer.map(|peer| (peer.purpose(), peer.label())) {
        Some((Purpose::Workload(name), Some(label))) => Party::Workload { name, label },
        _ => Party::Unauthenticated,
    }
}
