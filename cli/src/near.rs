//! Which known names a mistyped one may have meant.

/// At most three of `known` that are a few keystrokes away from `typed`, the nearest first.
pub fn near<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed: Vec<char> = typed.chars().collect();
    // One mistake in four characters is a slip; more is another name. Two characters still have room for one.
    let allowed = (typed.len() / 4).max(1);
    let mut near: Vec<_> = known
        .into_iter()
        // The difference in length is a lower bound, and much cheaper than the distance.
        .filter(|name| name.chars().count().abs_diff(typed.len()) <= allowed)
        .map(|name| (distance(&typed, &name.chars().collect::<Vec<_>>()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    near.sort_unstable();
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// How many keystrokes (insert, delete, replace, swap neighbours) lead from one text to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, &left) in from.iter().enumerate() {
        let mut current = vec![row + 1; to.len() + 1];
        for (column, &right) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            current[column + 1] = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && left == to[column - 1] && from[row - 1] == right {
                current[column + 1] = current[column + 1].min(before_last[column - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[to.len()]
}

const MOST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_name_finds_nothing() {
        let known = ["n1", "n2", "n10", "web-node-1", "web-node-2", "db-node-1"];
        for (typed, found) in [
            ("web-ndoe-1", &["web-node-1", "web-node-2"][..]),
            ("web-node-3", &["web-node-1", "web-node-2"]),
            ("n3", &["n1", "n2"]),
            ("1n", &["n1"]),
            ("n100", &["n10"]),
            ("ledger", &[]),
            ("", &[]),
        ] {
            assert_eq!(near(typed, known), found, "{typed}");
        }
    }

    #[test]
    fn a_swap_is_one_keystroke() {
        let distance =
            |from: &str, to: &str| distance(&from.chars().collect::<Vec<_>>(), &to.chars().collect::<Vec<_>>());
        for (from, to, keystrokes) in [("ab", "ba", 1), ("", "abc", 3), ("node", "node", 0), ("kitten", "sitting", 3)] {
            assert_eq!((distance(from, to), distance(to, from)), (keystrokes, keystrokes), "{from} {to}");
        }
    }
}
