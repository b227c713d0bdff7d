//! Join tokens: the token alone, so that it can be piped.

use super::Shown;
use crate::record::{Token, TokenInFile};

impl Shown for Token {
    fn text(&self) -> String {
        format!("{}\n", *self.token)
    }
}

impl Shown for TokenInFile {
    /// Nothing: the data is in the file.
    fn text(&self) -> String {
        String::new()
    }
}
