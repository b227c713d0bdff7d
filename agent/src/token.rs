//! Reads a join token from a file or from standard input; there is no other way in, for an argument list is public.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::str::FromStr;

use bulkhead_protocol::join_token::{JoinToken, JoinTokenError};
use zeroize::Zeroizing;

/// Where a token is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// Written `-`.
    Stdin,
    /// A file's path.
    File(PathBuf),
}

impl TokenSource {
    /// Reads the token.
    pub fn read(&self) -> Result<JoinToken, TokenError> {
        let failed = |source| TokenError::Read { from: self.to_string(), source };
        let mut text = Zeroizing::new(String::with_capacity(USUAL_TOKEN));
        match self {
            Self::Stdin => io::stdin().take(MAX_TOKEN).read_to_string(&mut text).map_err(failed)?,
            Self::File(path) => {
                File::open(path).and_then(|file| file.take(MAX_TOKEN).read_to_string(&mut text)).map_err(failed)?
            }
        };
        text.trim().parse().map_err(|source| TokenError::Token { from: self.to_string(), source })
    }
}

impl FromStr for TokenSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum TokenError {
    #[error("cannot read the join token from {from}")]
    Read { from: String, source: io::Error },
    #[error("{from} holds no join token")]
    Token { from: String, source: JoinTokenError },
}

impl TokenError {
    /// What a person can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "`--token-file` names a file, or is `-` for standard input",
            Self::Token { .. } => "`bulkhead token create` prints a token; take the whole line",
        }
    }
}

/// What is longer is no token; the parser says so.
const MAX_TOKEN: u64 = 128 * 1024;
/// A token with one root; enough that the text does not move and leave a copy behind.
const USUAL_TOKEN: usize = 4096;
