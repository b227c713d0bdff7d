//! An error with its causes, as one line: the chain is written once, where the error leaves the program.

use std::error::Error;

/// The error and what caused it, joined by colons.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
