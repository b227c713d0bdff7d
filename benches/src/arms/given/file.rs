//! The file of a given arm: what it may say, and where it is wrong.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail, ensure};
use bulkhead_measure::work::Dialect;
use serde::Deserialize;

use super::places::{WORDS, unknown_word};
use crate::arms::NAMES;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) pooled: bool,
    pub(super) cipher_suite: String,
    pub(super) key_exchange: String,
    pub(super) dialect: WrittenDialect,
    #[serde(default)]
    pub(super) versions: BTreeMap<String, Vec<String>>,
    pub(super) client: EndOfPath,
    pub(super) server: EndOfPath,
}

/// How one end is started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct EndOfPath {
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
}

impl EndOfPath {
    /// What is started.
    pub(super) fn program(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }
}

/// [`Dialect`], as the file has it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WrittenDialect {
    Stream,
    Tunnel,
}

impl From<WrittenDialect> for Dialect {
    fn from(written: WrittenDialect) -> Self {
        match written {
            WrittenDialect::Stream => Self::Stream,
            WrittenDialect::Tunnel => Self::Tunnel,
        }
    }
}

/// The description in this text; `at` is the file's name for errors.
pub(super) fn parse(text: &str, at: &str) -> Result<Description> {
    let plain = serde_saphyr::options! { with_snippet: false };
    let read = serde_saphyr::from_str_with_options(text, plain);
    let description: Description = read.map_err(|error| unreadable(&error, at))?;
    check_name(&description.name, text, at)?;
    for (title, end) in [("client", &description.client), ("server", &description.server)] {
        ensure!(!end.command.is_empty(), "{at}: the command of the {title} is empty");
        check_files(end, text, at)?;
        check_words(end, text, at)?;
    }
    Ok(description)
}

fn unreadable(error: &serde_saphyr::Error, at: &str) -> anyhow::Error {
    let Some(place) = error.location() else { return anyhow!("{at}: {error}") };
    let (line, column, text) = (place.line(), place.column(), error.to_string());
    let problem = text.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(&text);
    anyhow!("{at}:{line}:{column}: {problem}")
}

/// It becomes the name of pods and of a directory.
fn check_name(name: &str, text: &str, at: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let line = line_of(text, name);
    if name.is_empty() || name.len() > 20 || !name.bytes().all(allowed) {
        bail!("{at}{line}: the name `{name}` is not 1 to 20 of a-z, 0-9 and `-`");
    }
    if NAMES.contains(&name) {
        bail!("{at}{line}: there is an arm `{name}` already");
    }
    Ok(())
}

fn check_files(end: &EndOfPath, text: &str, at: &str) -> Result<()> {
    match end.files.keys().find(|name| name.is_empty() || name.starts_with('.') || name.contains('/')) {
        Some(name) => bail!("{at}{}: the file `{name}` must be a plain name", line_of(text, name)),
        None => Ok(()),
    }
}

fn check_words(end: &EndOfPath, text: &str, at: &str) -> Result<()> {
    let mut unknown = end.command.iter().chain(end.files.values()).filter_map(|written| unknown_word(written));
    let Some(word) = unknown.next() else { return Ok(()) };
    let line = line_of(text, &format!("{{{word}}}"));
    bail!("{at}{line}: `{{{word}}}` is no word of ours; there are {}", WORDS.join(", "))
}

/// `:7` for the first line in which this stands.
fn line_of(text: &str, what: &str) -> String {
    let found = (1..).zip(text.lines()).find(|(_, line)| line.contains(what));
    found.map(|(number, _)| format!(":{number}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../docs/bench-arm-example.yaml");

    fn problem(from: &str, to: &str) -> String {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE);
        parse(&text, "my.yaml").unwrap_err().to_string()
    }

    #[test]
    fn the_documented_example_is_one() {
        let example = parse(EXAMPLE, "my.yaml").unwrap();
        assert_eq!(example.name, "my-haproxy");
        assert!(WORDS.iter().all(|word| EXAMPLE.contains(&format!("{{{word}}}"))), "each word is documented");
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        let line = |what: &str| 1 + EXAMPLE.lines().position(|line| line.starts_with(what)).unwrap();
        for (from, to, at, word) in [
            ("\npooled:", "\npool:", line("pooled:"), "pool"),
            ("dialect: stream", "dialect: smoke", line("dialect:"), "smoke"),
            ("\nname: my-haproxy", "\nname: My Proxy", line("name:"), "My Proxy"),
            ("\nname: my-haproxy", "\nname: haproxy", line("name:"), "already"),
            ("bind {listen}", "bind {listn}", line("        bind {listen}"), "{listn}"),
        ] {
            let problem = problem(from, to);
            assert!(problem.starts_with(&format!("my.yaml:{at}:")), "{problem} does not begin at line {at}");
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn braces_of_other_languages_stay() {
        for text in ["http { server { } }", "{\"a\": {}}", "{}", "{ listen }", "{"] {
            assert_eq!(unknown_word(text), None, "{text}");
        }
    }
}
