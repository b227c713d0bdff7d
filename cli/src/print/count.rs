//! Numbers of things as people say them.

/// So many of something.
pub(super) fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_things() {
        let counted: Vec<_> = [0, 1, 2].into_iter().map(|number| count(number, "connection")).collect();
        assert_eq!(counted, ["0 connections", "1 connection", "2 connections"]);
    }
}
