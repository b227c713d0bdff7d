//! Words about proxies, short enough for a table's footnote. Pure.

use crate::arm::End;

/// The last lines of a log, joined into one.
pub(super) fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.trim().lines().collect();
    let text = lines[lines.len().saturating_sub(LINES)..].join(" | ");
    let surplus = text.chars().count().saturating_sub(CHARACTERS);
    text.chars().skip(surplus).collect()
}

/// Whose the proxy at this end is.
pub(super) const fn whose(end: End) -> &'static str {
    match end {
        End::Client => "client's",
        End::Server => "server's",
    }
}

const LINES: usize = 3;
const CHARACTERS: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_the_end_is_told() {
        assert_eq!(end_of("one\ntwo\nthree\nfour\n"), "two | three | four");
        assert_eq!(end_of(&"x".repeat(1000)).len(), CHARACTERS);
        assert_eq!(end_of(""), "");
    }
}
