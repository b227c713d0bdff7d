//! The words in braces, and what they stand for at one end of a path.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::certificates::Identity;

/// What one end is told.
pub(super) struct Places {
    pub(super) listen: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) application: SocketAddr,
    pub(super) own: Identity,
    pub(super) peer: Identity,
    pub(super) roots: PathBuf,
    pub(super) threads: usize,
    pub(super) directory: PathBuf,
}

impl Places {
    /// The text with every word in braces replaced; what stands in braces and is no such word stays.
    pub(super) fn fill(&self, text: &str) -> String {
        let replace = |text: String, word: &&str| text.replace(&format!("{{{word}}}"), &self.value(word));
        WORDS.iter().fold(text.to_owned(), replace)
    }

    fn value(&self, word: &str) -> String {
        match word {
            "listen" => self.listen.to_string(),
            "listen-host" => self.listen.ip().to_string(),
            "listen-port" => self.listen.port().to_string(),
            "to" => self.to.to_string(),
            "to-host" => self.to.ip().to_string(),
            "to-port" => self.to.port().to_string(),
            "application" => self.application.to_string(),
            "chain" => self.own.chain.display().to_string(),
            "key" => self.own.key.display().to_string(),
            "identity" => self.own.identity.display().to_string(),
            "roots" => self.roots.display().to_string(),
            "peer-name" => self.peer.name.clone(),
            "peer-id" => self.peer.id.clone(),
            "threads" => self.threads.to_string(),
            _ => self.directory.display().to_string(),
        }
    }
}

/// The first thing in braces that looks like one of our words and is none: `{` and `}` with only a-z and `-` between.
pub(super) fn unknown_word(text: &str) -> Option<&str> {
    let after_braces = text.split('{').skip(1);
    let mut words = after_braces.filter_map(|after| Some(after.split_once('}')?.0));
    words.find(|word| {
        let looks_like_one = !word.is_empty() && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase());
        looks_like_one && !WORDS.contains(word)
    })
}

/// Every word.
pub(super) const WORDS: [&str; 15] = [
    "listen",
    "listen-host",
    "listen-port",
    "to",
    "to-host",
    "to-port",
    "application",
    "chain",
    "key",
    "identity",
    "roots",
    "peer-name",
    "peer-id",
    "threads",
    "directory",
];
