//! How a command ended, as its exit code.

use std::process::ExitCode;

/// How a command ended; the numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// What was asked is done.
    Done = 0,
    /// The CA refused, or something on this side failed.
    Failed = 1,
    /// The command was mistyped; nothing was asked of the CA.
    Usage = 2,
    /// The node is revoked, but at the deadline not everybody was known to enforce it.
    Incomplete = 3,
    /// The CA was not reached or did not answer, or there is no usable key to reach it with.
    NotReached = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
