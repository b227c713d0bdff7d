//! An error with everything that caused it, on one line: for the log, whose JSON would show the error and no cause, and for
//! whatever else is the edge of a program.

use std::error::Error;

/// The error and its causes, joined by `: `. A cause is left out where the text ends with it already: some errors, such
/// as those of `kube`, repeat their sources in their own words.
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes
        .map(ToString::to_string)
        .fold(error.to_string(), |text, cause| if text.ends_with(&cause) { text } else { format!("{text}: {cause}") })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("cannot begin")]
        Begin(#[source] Box<Self>),
        #[error("no policy")]
        Policy(#[source] Box<Self>),
        #[error("cannot open: {0}")]
        Open(#[source] io::Error),
    }

    #[test]
    fn every_cause_is_told_and_none_twice() {
        let open = || Failure::Open(io::Error::other("not allowed"));
        let policy = || Failure::Policy(open().into());
        check(&io::Error::other("not allowed"), "not allowed");
        check(&open(), "cannot open: not allowed");
        check(&policy(), "no policy: cannot open: not allowed");
        check(&Failure::Begin(policy().into()), "cannot begin: no policy: cannot open: not allowed");
    }

    fn check(error: &dyn Error, told: &str) {
        assert_eq!(chain(error), told);
    }
}
