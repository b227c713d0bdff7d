//! The peers' programs: where they are, and what they say that they are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program;

/// Where this program is, on the caller's search path and where servers are.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
    env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
}

/// Everything that it prints when asked with these words; none if it cannot run, or does not end.
pub(super) fn asked(named: &Path, words: &[&str]) -> Option<String> {
    let output = program::output(Command::new(named).args(words), TO_ANSWER).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(text)
}

/// The first line of a text that has this in it.
pub(super) fn line_with(text: &str, word: &str) -> String {
    text.lines().find(|line| line.contains(word)).unwrap_or_default().trim().to_owned()
}

/// How many threads each proxy has: as many as there are cores, at most 4, as Bulkhead by itself.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// How long a program may take to say what it is.
pub(super) const TO_ANSWER: Duration = Duration::from_secs(10);
