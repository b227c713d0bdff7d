//! How the program says in one line what went wrong.

use std::error::Error;

use bulkhead_daemon::chain;

/// Says on standard error why the program has ended.
#[allow(clippy::print_stderr, reason = "the answer of a command")]
pub fn problem(error: &(dyn Error + 'static)) {
    eprintln!("error: {}", chain(error));
}
