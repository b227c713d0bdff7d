//! Who runs when: an order in which no arm has the better moments.

/// The arms, 0 to `arms` - 1, in the order in which they run in a round; rounds count from 0.
///
/// A machine drifts: it warms up, a neighbour on the same host begins to work, caches fill. Three balances keep that
/// out of the comparison:
///
/// - An even round runs forward and the next one backward (ABBA). Over two such rounds each arm runs at the same time
///   on average, so a drift that is steady meanwhile adds the same to all.
/// - From one such pair of rounds to the next everybody moves on by one arm, so that over `2 * arms` rounds each arm
///   has run in each place equally often, the first one too.
/// - The forward order is not 0, 1, 2, .. but zigzags: 0, 1, last, 2, last but one, .. (E. J. Williams, 1949). With
///   that each arm follows each other one directly equally often, twice in `2 * arms` rounds, so that no arm always
///   finds the caches, the clock rate and the dying connections of the same predecessor. Moving on alone would keep
///   the neighbours.
pub fn round_order(arms: usize, round: u32) -> Vec<usize> {
    let moved = (round as usize / 2).checked_rem(arms).unwrap_or_default();
    let mut order: Vec<usize> = (0..arms).map(|place| (zigzag(place, arms) + moved) % arms).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// 0, 1, last, 2, last but one, ..: neighbours are in turn 1, 2, 3, .. apart (around the circle), no distance twice.
fn zigzag(place: usize, arms: usize) -> usize {
    match place % 2 {
        0 => (arms - place / 2) % arms,
        _ => place.div_ceil(2),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_go_there_and_back_and_then_move_on() {
        let check =
            |arms, round, expected: &[usize]| assert_eq!(round_order(arms, round), expected, "{arms} in {round}");
        check(0, 0, &[]);
        check(0, 7, &[]);
        check(1, 5, &[0]);
        check(2, 0, &[0, 1]);
        check(2, 1, &[1, 0]);
        check(2, 2, &[1, 0]);
        check(2, 3, &[0, 1]);
        check(3, 0, &[0, 1, 2]);
        check(3, 1, &[2, 1, 0]);
        check(3, 2, &[1, 2, 0]);
        check(7, 0, &[0, 1, 6, 2, 5, 3, 4]);
        check(7, 1, &[4, 3, 5, 2, 6, 1, 0]);
        check(7, 2, &[1, 2, 0, 3, 6, 4, 5]);
        check(7, 14, &[0, 1, 6, 2, 5, 3, 4]);
    }

    /// How often each value occurs.
    fn counted<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
        let mut counts = BTreeMap::new();
        values.for_each(|value| *counts.entry(value).or_default() += 1);
        counts
    }

    /// All rounds after which the orders come again, from a round on.
    fn whole_turn(arms: usize, first: u32) -> impl Iterator<Item = Vec<usize>> {
        (0..).take(2 * arms).map(move |round| round_order(arms, first + round))
    }

    proptest! {
        #[test]
        fn a_round_runs_every_arm_once(arms in 0..40_usize, round: u32) {
            let mut order = round_order(arms, round);
            order.sort_unstable();
            prop_assert_eq!(order, (0..arms).collect::<Vec<usize>>());
        }

        #[test]
        fn over_two_rounds_no_arm_runs_earlier_than_another(arms in 1..40_usize, pair in 0..1000_u32) {
            let place_in = |arm, round| round_order(arms, round).iter().position(|other| *other == arm).unwrap();
            for arm in 0..arms {
                prop_assert_eq!(place_in(arm, 2 * pair) + place_in(arm, 2 * pair + 1), arms - 1);
            }
        }

        #[test]
        fn every_arm_comes_to_every_place_equally_often(arms in 1..20_usize, first in 0..1000_u32) {
            let places = counted(whole_turn(arms, first).flat_map(|order| order.into_iter().enumerate()));
            prop_assert!(places.len() == arms * arms && places.values().all(|count| *count == 2));
        }

        #[test]
        fn every_arm_follows_every_other_equally_often(arms in 2..20_usize, first in 0..1000_u32) {
            let neighbours = |order: Vec<usize>| order.windows(2).map(|two| (two[0], two[1])).collect::<Vec<_>>();
            let follows = counted(whole_turn(arms, first).flat_map(neighbours));
            prop_assert!(follows.len() == arms * (arms - 1) && follows.values().all(|count| *count == 2));
        }
    }
}
