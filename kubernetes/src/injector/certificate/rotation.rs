//! What is to be done about the certificate now. Pure: what stands in the Secret and in the webhook configuration, and the
//! time, go in; what to make, to publish and to serve comes out.
//!
//! Three rules carry it. A CA is only ever added to the bundle, and leaves it when it has ended: so no replica, however far
//! behind, takes away what another serves. The bundle is written over exactly what was read, or not at all. And a new
//! certificate is used only when its CA has been seen in the bundle for a while, by then by every API server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bulkhead_mesh::Timestamp;

/// What names a CA: the SHA-256 of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AuthorityId(pub(super) [u8; 32]);

/// A CA and its one certificate, which end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) authority: AuthorityId,
    pub(super) not_after: Timestamp,
    /// Whether the certificate is for the names by which the API server asks.
    pub(super) fits: bool,
}

/// What the webhook configuration says: for each of its webhooks the CAs of ours that it holds, and their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) webhooks: Vec<BTreeMap<AuthorityId, Timestamp>>,
}

/// The time, by two clocks: certificates end by the wall's; waiting is done by one that is never set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    pub(super) since_boot: Duration,
}

/// When a certificate is replaced, and when its successor is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Before its end.
    pub(super) renewal: Duration,
    /// After its CA was first seen in the bundle.
    pub(super) settle: Duration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// A new generation goes into the Secret.
    pub(super) make: bool,
    /// These, and no others, go into the bundle of every webhook; `None` where they stand there already.
    pub(super) publish: Option<BTreeSet<AuthorityId>>,
    /// Whose certificate is shown; `None` until the first CA has been published.
    pub(super) serve: Option<AuthorityId>,
    /// Whether the API server would accept what is shown.
    pub(super) trusted: bool,
}

/// What one replica remembers from one look to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Rotation {
    /// Since when each CA has stood in every webhook's bundle, as far as this replica has seen.
    published: BTreeMap<AuthorityId, Duration>,
    /// What is shown, which outlives its place in the Secret.
    serving: Option<Term>,
}

impl Standing {
    /// Those that every webhook holds.
    fn everywhere(&self) -> BTreeSet<AuthorityId> {
        let mut webhooks = self.webhooks.iter().map(|held| held.keys().copied().collect::<BTreeSet<_>>());
        let first = webhooks.next().unwrap_or_default();
        webhooks.fold(first, |common, held| &common & &held)
    }

    /// Those that any webhook holds and that have not ended.
    fn alive(&self, now: Timestamp) -> impl Iterator<Item = AuthorityId> {
        self.webhooks.iter().flatten().filter(move |(_, end)| **end > now).map(|(authority, _)| *authority)
    }
}

impl Rotation {
    /// What is to be done, having seen this.
    pub(super) fn step(&mut self, now: Now, kept: &[Term], standing: &Standing, pace: Pace) -> Plan {
        let everywhere = standing.everywhere();
        self.published.retain(|authority, _| everywhere.contains(authority));
        for authority in &everywhere {
            self.published.entry(*authority).or_insert(now.since_boot);
        }
        let alive: Vec<_> = kept.iter().filter(|term| term.not_after > now.wall).copied().collect();
        let usable: Vec<_> = alive.iter().filter(|term| term.fits).copied().collect();
        let longest = usable.iter().map(|term| term.not_after).max();
        self.serving = self.choose(now, &usable, pace.settle);
        let wanted: BTreeSet<_> = standing.alive(now.wall).chain(alive.iter().map(|term| term.authority)).collect();
        let stands = standing.webhooks.iter().all(|held| held.keys().eq(&wanted));
        Plan {
            make: longest.is_none_or(|end| end <= now.wall.plus(pace.renewal)),
            publish: (!stands).then_some(wanted),
            serve: self.serving.map(|term| term.authority),
            trusted: self.serving.is_some_and(|term| self.is_trusted(&term, now.wall)),
        }
    }

    /// The newest that every API server has seen; failing that, what is shown already, as long as it is trusted; failing that,
    /// the oldest that is trusted, which most API servers have seen.
    fn choose(&self, now: Now, usable: &[Term], settle: Duration) -> Option<Term> {
        let trusted = || usable.iter().filter(|term| self.is_trusted(term, now.wall));
        let settled = trusted().filter(|term| {
            let since = self.published.get(&term.authority);
            since.is_some_and(|since| now.since_boot.saturating_sub(*since) >= settle)
        });
        let newest = settled.max_by_key(|term| term.not_after);
        let shown = self.serving.as_ref().filter(|term| self.is_trusted(term, now.wall));
        let oldest = trusted().min_by_key(|term| term.not_after);
        newest.or(shown).or(oldest).copied().or(self.serving)
    }

    fn is_trusted(&self, term: &Term, now: Timestamp) -> bool {
        term.not_after > now && self.published.contains_key(&term.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { renewal: Duration::from_secs(30), settle: Duration::from_secs(10) };

    fn term(name: u8, end: u64) -> Term {
        Term { authority: AuthorityId([name; 32]), not_after: Timestamp::from_secs(end), fits: true }
    }

    fn standing(webhooks: &[&[Term]]) -> Standing {
        let held = |terms: &&[Term]| terms.iter().map(|term| (term.authority, term.not_after)).collect();
        Standing { webhooks: webhooks.iter().map(held).collect() }
    }

    fn at(seconds: u64) -> Now {
        Now { wall: Timestamp::from_secs(seconds), since_boot: Duration::from_secs(seconds) }
    }

    /// What one replica does that has seen nothing before: make, publish, serve.
    fn first(now: u64, kept: &[Term], webhooks: &[&[Term]]) -> (bool, Option<Vec<u8>>, Option<u8>) {
        told(Rotation::default().step(at(now), kept, &standing(webhooks), PACE))
    }

    fn told(plan: Plan) -> (bool, Option<Vec<u8>>, Option<u8>) {
        let names = |set: BTreeSet<AuthorityId>| set.into_iter().map(|authority| authority.0[0]).collect();
        (plan.make, plan.publish.map(names), plan.serve.map(|authority| authority.0[0]))
    }

    #[test]
    fn what_is_seen_decides_what_is_done() {
        let (old, new) = (term(1, 100), term(2, 200));
        let other = Term { fits: false, ..term(3, 300) };
        let publish = |names: &[u8]| Some(names.to_vec());
        for (said, now, kept, webhooks, expected) in [
            ("nothing there", 0, &[][..], &[&[][..], &[]][..], (true, None, None)),
            ("made", 0, &[old], &[&[], &[]], (false, publish(&[1]), None)),
            ("published in one of two", 0, &[old], &[&[old], &[]], (false, publish(&[1]), None)),
            ("published", 0, &[old], &[&[old], &[old]], (false, None, Some(1))),
            ("due", 70, &[old], &[&[old]], (true, None, Some(1))),
            ("the next is made", 70, &[old, new], &[&[old]], (false, publish(&[1, 2]), Some(1))),
            ("and published, but not settled", 70, &[old, new], &[&[old, new]], (false, None, Some(1))),
            ("the old one has ended", 100, &[old, new], &[&[old, new]], (false, publish(&[2]), Some(2))),
            ("all have ended", 200, &[old, new], &[&[new]], (true, publish(&[]), None)),
            ("one for other names", 0, &[other], &[&[other]], (true, None, None)),
            ("a CA that is not in the Secret stays", 0, &[new], &[&[old]], (false, publish(&[1, 2]), None)),
            ("until it has ended", 100, &[new], &[&[old, new]], (false, publish(&[2]), Some(2))),
        ] {
            assert_eq!(first(now, kept, webhooks), expected, "{said}");
        }
    }

    #[test]
    fn a_successor_is_used_when_it_has_stood_there_for_a_while() {
        let (old, new) = (term(1, 100), term(2, 200));
        let mut rotation = Rotation::default();
        let mut serve = |now, webhooks: &[&[Term]]| {
            rotation.step(at(now), &[old, new], &standing(webhooks), PACE).serve.map(|authority| authority.0[0])
        };
        assert_eq!(serve(70, &[&[old]]), Some(1));
        assert_eq!(serve(71, &[&[old, new]]), Some(1));
        assert_eq!(serve(80, &[&[old, new]]), Some(1));
        assert_eq!(serve(81, &[&[old, new]]), Some(2));
        // Somebody has overwritten the bundle: what is trusted counts more than what is new.
        assert_eq!(serve(82, &[&[old]]), Some(1));
        assert_eq!(serve(83, &[&[old, new]]), Some(1), "it settles anew");
        assert_eq!(serve(93, &[&[old, new]]), Some(2));
    }

    #[test]
    fn an_emptied_secret_leaves_what_is_shown_until_its_successor_has_settled() {
        let (old, new) = (term(1, 100), term(2, 200));
        let mut rotation = Rotation::default();
        let mut step = |now, kept: &[Term], held: &[Term]| told(rotation.step(at(now), kept, &standing(&[held]), PACE));
        assert_eq!(step(0, &[old], &[old]), (false, None, Some(1)));
        assert_eq!(step(1, &[], &[old]), (true, None, Some(1)));
        assert_eq!(step(2, &[new], &[old]), (false, Some(vec![1, 2]), Some(1)));
        assert_eq!(step(3, &[new], &[old, new]), (false, None, Some(1)));
        assert_eq!(step(13, &[new], &[old, new]), (false, None, Some(2)));
    }

    #[test]
    fn a_replica_is_trusted_only_while_its_ca_stands_everywhere() {
        let old = term(1, 100);
        let mut rotation = Rotation::default();
        let mut trusted = |now, webhooks: &[&[Term]]| rotation.step(at(now), &[old], &standing(webhooks), PACE).trusted;
        assert!(!trusted(0, &[&[old], &[]]));
        assert!(trusted(1, &[&[old], &[old]]));
        assert!(!trusted(2, &[&[], &[old]]), "overwritten");
        assert!(!trusted(100, &[&[old], &[old]]), "ended");
    }
}
