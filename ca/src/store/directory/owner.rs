//! Which of the pods that claim one address owns it.
//!
//! Pure. What addresses a pod has is the word of its node, and a node may lie. So a pod takes an address from one of its own
//! node, where the younger is right, but from one of another node only when that one is leaving. And the word of a node that
//! has not joined the mesh, which nobody could revoke, counts only where no other speaks.

use bulkhead_mesh::{InstanceId, NodeName, Timestamp};

/// One pod's claim to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Whose.
    pub(super) pod: InstanceId,
    /// Where it stands, who said it.
    pub(super) node: NodeName,
    /// Whether that node has joined the mesh.
    pub(super) is_of_the_mesh: bool,
    /// Whether it was told to end.
    pub(super) is_leaving: bool,
    /// When it was made.
    pub(super) created: Timestamp,
    /// Rises with each pod that is written.
    pub(super) written: u64,
}

/// Who owns the address to which these claims were made, in this order.
pub(super) fn owner(claims: &[Claim]) -> Option<&Claim> {
    let of_the_mesh = claims.iter().any(|claim| claim.is_of_the_mesh);
    let counting = || claims.iter().filter(|claim| claim.is_of_the_mesh == of_the_mesh);
    let first = counting().find(|claim| !claim.is_leaving).or(counting().next())?;
    let rivals = counting().filter(|claim| (&claim.node, claim.is_leaving) == (&first.node, first.is_leaving));
    rivals.max_by_key(|claim| (claim.created, claim.written))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `a5` is a pod of node `a` that was made at 5, `a5-` one that is leaving; node `x` has not joined.
    fn claim(number: usize, text: &str) -> Claim {
        let (node, rest) = text.split_at(1);
        Claim {
            pod: InstanceId::from_bytes([u8::try_from(number).unwrap(); 16]),
            node: node.parse().unwrap(),
            is_of_the_mesh: node != "x",
            is_leaving: rest.ends_with('-'),
            created: Timestamp::from_secs(rest.trim_end_matches('-').parse().unwrap()),
            written: u64::try_from(number).unwrap(),
        }
    }

    #[test]
    fn a_pod_takes_an_address_from_its_own_node_or_from_one_that_leaves() {
        for (claims, expected) in [
            (vec![], None),
            (vec!["a5"], Some(0)),
            (vec!["a5-"], Some(0)),
            (vec!["a5", "a6"], Some(1)),
            (vec!["a6", "a5"], Some(0)),
            (vec!["a5", "a5"], Some(1)),
            (vec!["a5", "b6"], Some(0)),
            (vec!["a5", "b6", "a4"], Some(0)),
            (vec!["a5", "b6", "a7"], Some(2)),
            (vec!["a5-", "b6"], Some(1)),
            (vec!["a6-", "a5"], Some(1)),
            (vec!["a5-", "b6-"], Some(0)),
            (vec!["a5-", "b6", "a7"], Some(1)),
            (vec!["x5"], Some(0)),
            (vec!["x5", "x6"], Some(1)),
            (vec!["x5", "a6"], Some(1)),
            (vec!["a5-", "x6"], Some(0)),
        ] {
            let claims: Vec<_> = claims.into_iter().enumerate().map(|(number, text)| claim(number, text)).collect();
            let found = owner(&claims).and_then(|owner| claims.iter().position(|claim| claim == owner));
            assert_eq!(found, expected, "{claims:?}");
        }
    }

    proptest! {
        /// Whatever another node says afterwards, who stays and owns an address goes on to own it.
        #[test]
        fn no_other_node_takes_an_address_from_who_stays(
            before in prop::collection::vec("[abx][1-9]-?", 1..6),
            after in prop::collection::vec("[cx][1-9]-?", 0..6),
        ) {
            let claims = |texts: &[String]| -> Vec<_> {
                texts.iter().enumerate().map(|(number, text)| claim(number, text)).collect()
            };
            let owns = owner(&claims(&before)).cloned();
            prop_assume!(owns.as_ref().is_some_and(|owns| !owns.is_leaving && owns.is_of_the_mesh));
            let all = claims(&[before, after].concat());
            prop_assert_eq!(owner(&all), owns.as_ref());
        }
    }
}
