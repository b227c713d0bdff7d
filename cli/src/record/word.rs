//! States, as words: a newer CA may know more of them than this command does.

use std::str::FromStr;

use serde::Serialize;

/// The name of a state, such as `admitted`: 1 to 32 of `a-z` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Word(Box<str>);

impl Word {
    /// The word as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if valid { Ok(Self(text.into())) } else { Err(ParseWordError) }
    }
}

/// A text is not the name of a state. It is not quoted: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a state is 1 to {MAX_BYTES} of a-z and `-`")]
pub struct ParseWordError;

const MAX_BYTES: usize = 32;
