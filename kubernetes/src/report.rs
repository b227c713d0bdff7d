//! How the program says in one line what went wrong.

use std::error::Error;

/// Says on standard error why the program has ended.
#[allow(clippy::print_stderr, reason = "the answer of a command")]
pub fn problem(error: &(dyn Error + 'static)) {
    eprintln!("error: {}", chain(error));
}

/// The error and its sources, joined by `: `.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // kube repeats its sources in its own words.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
