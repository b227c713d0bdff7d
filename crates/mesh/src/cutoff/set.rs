//! The union of all cutoffs that were ever said: it only grows, until time has made a cutoff pointless.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Credential, Cutoff, Subject};
use crate::{InstanceId, NodeName, Serial, SpiffeId, SpkiDigest, Timestamp};

/// A set of cutoffs that answers in a few look-ups whether a credential is void, whatever the set's size.
///
/// Sets form a lattice: inserting and uniting are idempotent, commutative and associative, so that deltas give the same
/// set in every order and however often they are repeated. Trees, not hash tables: a peer can choose some of the names,
/// and this crate has no dice to defend a hash with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Cutoff>", into = "Vec<Cutoff>")]
pub struct CutoffSet {
    nodes: BTreeMap<NodeName, Cutoff>,
    identities: BTreeMap<SpiffeId, Cutoff>,
    instances: BTreeMap<InstanceId, Cutoff>,
    serials: BTreeMap<Serial, Cutoff>,
    issuers: BTreeMap<SpkiDigest, Cutoff>,
}

impl CutoffSet {
    /// Adds a cutoff; of two for one subject the wider remains, with the later bound. Whether the set has changed.
    pub fn insert(&mut self, cutoff: Cutoff) -> bool {
        match &cutoff.subject {
            Subject::Node { node, .. } => widen(&mut self.nodes, node.clone(), cutoff),
            Subject::Identity { id, .. } => widen(&mut self.identities, id.clone(), cutoff),
            Subject::Instance { instance, .. } => widen(&mut self.instances, *instance, cutoff),
            Subject::Serial(serial) => widen(&mut self.serials, *serial, cutoff),
            Subject::Issuer(issuer) => widen(&mut self.issuers, *issuer, cutoff),
        }
    }

    /// Adds every cutoff of another set.
    pub fn union(&mut self, other: Self) {
        self.extend(Vec::from(other));
    }

    /// The cutoff that makes this credential void, if there is one.
    pub fn voids(&self, credential: &Credential) -> Option<&Cutoff> {
        let bound = credential.node.as_ref().and_then(|life| self.nodes.get(&life.node));
        let own = || credential.own_node().and_then(|node| self.nodes.get(&node));
        let instance = || credential.instance.and_then(|instance| self.instances.get(&instance));
        let covering = |cutoff: &&Cutoff| cutoff.subject.covers(credential);
        bound
            .filter(covering)
            .or_else(|| own().filter(covering))
            .or_else(|| self.identities.get(&credential.id).filter(covering))
            .or_else(|| instance().filter(covering))
            .or_else(|| self.serials.get(&credential.serial))
            .or_else(|| self.issuers.get(&credential.issuer))
    }

    /// Forgets the cutoffs whose bound has passed: every certificate that they could match has ended. How many.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        let before = self.len();
        self.nodes.retain(|_, cutoff| now <= cutoff.bound);
        self.identities.retain(|_, cutoff| now <= cutoff.bound);
        self.instances.retain(|_, cutoff| now <= cutoff.bound);
        self.serials.retain(|_, cutoff| now <= cutoff.bound);
        self.issuers.retain(|_, cutoff| now <= cutoff.bound);
        before - self.len()
    }

    /// Every cutoff, in an order that depends on nothing but the set.
    pub fn iter(&self) -> impl Iterator<Item = &Cutoff> {
        self.nodes
            .values()
            .chain(self.identities.values())
            .chain(self.instances.values())
            .chain(self.serials.values())
            .chain(self.issuers.values())
    }

    /// How many cutoffs there are.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.identities.len() + self.instances.len() + self.serials.len() + self.issuers.len()
    }

    /// Whether nothing is cut off.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Extend<Cutoff> for CutoffSet {
    fn extend<I: IntoIterator<Item = Cutoff>>(&mut self, cutoffs: I) {
        for cutoff in cutoffs {
            self.insert(cutoff);
        }
    }
}

impl FromIterator<Cutoff> for CutoffSet {
    fn from_iter<I: IntoIterator<Item = Cutoff>>(cutoffs: I) -> Self {
        let mut set = Self::default();
        set.extend(cutoffs);
        set
    }
}

impl From<Vec<Cutoff>> for CutoffSet {
    fn from(cutoffs: Vec<Cutoff>) -> Self {
        cutoffs.into_iter().collect()
    }
}

impl From<CutoffSet> for Vec<Cutoff> {
    fn from(set: CutoffSet) -> Self {
        let CutoffSet { nodes, identities, instances, serials, issuers } = set;
        nodes
            .into_values()
            .chain(identities.into_values())
            .chain(instances.into_values())
            .chain(serials.into_values())
            .chain(issuers.into_values())
            .collect()
    }
}

fn widen<Key: Ord>(held: &mut BTreeMap<Key, Cutoff>, key: Key, cutoff: Cutoff) -> bool {
    let Some(known) = held.get_mut(&key) else {
        held.insert(key, cutoff);
        return true;
    };
    let wider = known.join(cutoff);
    let changed = *known != wider;
    *known = wider;
    changed
}

impl Cutoff {
    /// The least cutoff that says what both say; both have the same subject but for its extent. The reason goes with
    /// the wider extent, and of two reasons for the same extent the greater text, so that the order of arrival has no
    /// say in it.
    fn join(&self, other: Self) -> Self {
        let bound = self.bound.max(other.bound);
        let ours_wins = (&self.subject, &self.reason) >= (&other.subject, &other.reason);
        Self { bound, ..if ours_wins { self.clone() } else { other } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::{Epoch, NodeEpoch};

    fn any_node() -> impl Strategy<Value = NodeName> {
        select(vec!["n1", "n2"]).prop_map(|name| name.parse().unwrap())
    }

    fn any_id() -> impl Strategy<Value = SpiffeId> {
        select(vec!["/ns/shop/sa/web", "/ns/shop/sa/db", "/node/n1", "/operator/ada"])
            .prop_map(|path| format!("spiffe://prod.example{path}").parse().unwrap())
    }

    fn any_moment() -> impl Strategy<Value = Timestamp> {
        (0..6_u64).prop_map(Timestamp::from_secs)
    }

    fn any_instance() -> impl Strategy<Value = InstanceId> {
        (0..2_u8).prop_map(|byte| InstanceId::from_bytes([byte; 16]))
    }

    fn any_serial() -> impl Strategy<Value = Serial> {
        (0..3_u8).prop_map(|byte| Serial::from_random([byte; 16]))
    }

    fn any_issuer() -> impl Strategy<Value = SpkiDigest> {
        (0..4_u8).prop_map(|byte| SpkiDigest::from_bytes([byte; 32]))
    }

    fn any_subject() -> impl Strategy<Value = Subject> {
        prop_oneof![
            (any_node(), 0..4_u32).prop_map(|(node, epoch)| Subject::Node { node, epoch: Epoch::new(epoch) }),
            (any_id(), any_moment()).prop_map(|(id, issued_before)| Subject::Identity { id, issued_before }),
            (any_instance(), any_moment())
                .prop_map(|(instance, issued_before)| Subject::Instance { instance, issued_before }),
            any_serial().prop_map(Subject::Serial),
            any_issuer().prop_map(Subject::Issuer),
        ]
    }

    fn any_cutoff() -> impl Strategy<Value = Cutoff> {
        let reason = select(vec!["lost", "stolen"]).prop_map(|text| text.parse().unwrap());
        (any_subject(), reason, any_moment()).prop_map(|(subject, reason, bound)| Cutoff { subject, reason, bound })
    }

    fn any_cutoffs() -> impl Strategy<Value = Vec<Cutoff>> {
        prop::collection::vec(any_cutoff(), 0..12)
    }

    fn any_life() -> impl Strategy<Value = NodeEpoch> {
        (any_node(), 0..5_u32).prop_map(|(node, epoch)| NodeEpoch { node, epoch: Epoch::new(epoch) })
    }

    prop_compose! {
        fn any_credential()(
            id in any_id(),
            node in prop::option::of(any_life()),
            instance in prop::option::of(any_instance()),
            serial in any_serial(),
            issuer in any_issuer(),
            issued_at in any_moment(),
            not_after in any_moment(),
        ) -> Credential {
            Credential { id, node, instance, serial, issuer, issued_at, not_after }
        }
    }

    fn set(cutoffs: &[Cutoff]) -> CutoffSet {
        cutoffs.iter().cloned().collect()
    }

    fn united(mut left: CutoffSet, right: &CutoffSet) -> CutoffSet {
        left.union(right.clone());
        left
    }

    proptest! {
        #[test]
        fn deltas_in_any_split_and_order_give_the_same_set(
            (ordered, shuffled) in any_cutoffs().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
            cut in any::<Index>(),
        ) {
            let (first, second) = shuffled.split_at(cut.index(shuffled.len() + 1));
            prop_assert_eq!(united(set(first), &set(second)), set(&ordered));
            prop_assert_eq!(united(set(second), &set(&shuffled)), set(&ordered));
        }

        #[test]
        fn union_is_idempotent_commutative_and_associative(a in any_cutoffs(), b in any_cutoffs(), c in any_cutoffs()) {
            let (a, b, c) = (set(&a), set(&b), set(&c));
            prop_assert_eq!(united(a.clone(), &a), a.clone());
            prop_assert_eq!(united(a.clone(), &b), united(b.clone(), &a));
            prop_assert_eq!(united(united(a.clone(), &b), &c), united(a, &united(b, &c)));
        }

        #[test]
        fn a_set_voids_exactly_what_one_of_its_cutoffs_covers(all in any_cutoffs(), credential in any_credential()) {
            let covered = all.iter().any(|cutoff| cutoff.subject.covers(&credential));
            prop_assert_eq!(set(&all).voids(&credential).is_some(), covered);
        }

        #[test]
        fn an_insert_never_voids_less(all in any_cutoffs(), more in any_cutoff(), credential in any_credential()) {
            let (mut grown, before) = (set(&all), set(&all));
            let changed = grown.insert(more.clone());
            prop_assert_eq!(changed, grown != before);
            prop_assert!(grown.voids(&credential).is_some() || before.voids(&credential).is_none());
            prop_assert!(!grown.insert(more));
        }

        #[test]
        fn expiry_never_drops_what_could_still_match(
            all in any_cutoffs(), credential in any_credential(), now in any_moment(),
        ) {
            let mut rest = set(&all);
            let matching: Vec<_> = rest.iter().filter(|cutoff| cutoff.subject.covers(&credential)).cloned().collect();
            rest.expire(now);
            // A bound is never before the end of a certificate that its cutoff covers: only those are real cases.
            let real = matching.iter().all(|cutoff| credential.not_after <= cutoff.bound);
            if real && now <= credential.not_after {
                prop_assert_eq!(rest.voids(&credential).is_some(), !matching.is_empty());
            }
            prop_assert!(rest.iter().all(|cutoff| now <= cutoff.bound));
        }

        #[test]
        fn what_is_stored_is_read_back(all in any_cutoffs()) {
            let json = serde_json::to_string(&set(&all)).unwrap();
            prop_assert_eq!(serde_json::from_str::<CutoffSet>(&json).unwrap(), set(&all));
        }
    }

    #[test]
    fn of_two_cutoffs_for_one_node_the_wider_remains_with_the_later_bound() {
        let cutoff = |epoch, reason: &str, bound| Cutoff {
            subject: Subject::Node { node: "n1".parse().unwrap(), epoch: Epoch::new(epoch) },
            reason: reason.parse().unwrap(),
            bound: Timestamp::from_secs(bound),
        };
        let both = set(&[cutoff(2, "stolen", 5), cutoff(1, "lost", 9)]);
        assert_eq!(both.iter().collect::<Vec<_>>(), [&cutoff(2, "stolen", 9)]);
    }
}
