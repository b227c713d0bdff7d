//! Whether a process runs, and whose child it is.

use super::ClockError;
use super::file::File;

/// Whether this process runs; one that has ended does not, even if its parent has not noticed yet.
pub fn is_running(pid: u32) -> Result<bool, ClockError> {
    match Status::of(pid) {
        Ok(status) => Ok(!status.ended),
        Err(ClockError::Gone { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Two fields of `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Whether it has ended, and only its parent has not noticed yet (a zombie).
    pub(super) ended: bool,
    /// The process that started it, or that took over when that one ended.
    pub(super) parent: u32,
}

impl Status {
    /// The status of a process now.
    pub(super) fn of(pid: u32) -> Result<Self, ClockError> {
        File::of_process(pid, "stat")?.parse(parse, "whose child the process is")
    }
}

/// Reads `<pid> (<name>) <state> <parent> ..`. The name may hold anything, spaces and parentheses too; no later field
/// holds a parenthesis, so the last one ends it.
fn parse(text: &str) -> Option<Status> {
    let (_, after_name) = text.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    Some(Status { ended: matches!(state, "Z" | "X"), parent: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn state_and_parent_follow_the_name() {
        let check = |text, expected: Option<(bool, u32)>| {
            assert_eq!(parse(text), expected.map(|(ended, parent)| Status { ended, parent }), "{text:?}");
        };
        check("2046 (python3) Z 1984 1980 28658 0 -1 4228364 271 0 0 0 42 2", Some((true, 1984)));
        check("31802 (nginx: worker) S 31801 31801 31801 0 -1 4194368", Some((false, 31801)));
        check("7 (x) Z 3) R 1 7 7 0", Some((false, 1)));
        check("7 (a\nb) X 1 7", Some((true, 1)));
        check("1 (init) S 0 1 1 0", Some((false, 0)));
        check("1 (init) S", None);
        check("1 (init) S -1 1", None);
        check("1 init S 0", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|[0-9]+ \\(.*\\) .*") {
            let _ = parse(&text);
        }
    }
}
