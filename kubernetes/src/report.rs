//! How the program says on standard error why it has ended.

use std::error::Error;

/// The error, and each of its causes, in one line.
#[allow(clippy::print_stderr, reason = "the answer of a command")]
pub fn problem(error: &(dyn Error + 'static)) {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence = format!("{sentence}: {error}");
        cause = error.source();
    }
    eprintln!("error: {sentence}");
}
