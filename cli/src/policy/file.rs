//! Reads a policy file as the CA will, so that what is wrong is told with file and line before anything is sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bulkhead_mesh::{Document, Policy, PolicyError};
use bulkhead_protocol::feed::Limits;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// Why a file is not a policy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum PolicyFileError {
    #[error("cannot read the policy {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the policy {path} has more than {limit} bytes, which no proxy would take", path = .path.display())]
    TooLarge { path: PathBuf, limit: usize },
    #[error("{at}: {problem}")]
    Yaml { at: String, problem: String },
    #[error("{at}: {problem}")]
    Policy { at: String, problem: Box<PolicyError> },
}

impl PolicyFileError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Policy { problem, .. } => problem.hint(),
            _ => None,
        }
    }
}

/// The text of a policy file, `-` for stdin, and the policy that it is.
pub(super) fn read(path: &Path) -> Result<(String, Policy), PolicyFileError> {
    let yaml = text(path)?;
    let policy = parse(&yaml, &name(path))?;
    Ok((yaml, policy))
}

fn text(path: &Path) -> Result<String, PolicyFileError> {
    let failed = |source| PolicyFileError::Read { path: path.to_owned(), source };
    // A fact that holds the policy as JSON must fit into what a subscriber takes.
    let limit = Limits::default().body_bytes;
    let mut text = String::new();
    let upto = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if path == Path::new("-") {
        io::stdin().lock().take(upto).read_to_string(&mut text).map_err(failed)?;
    } else {
        File::open(path).and_then(|file| file.take(upto).read_to_string(&mut text)).map_err(failed)?;
    }
    if text.len() > limit { Err(PolicyFileError::TooLarge { path: path.to_owned(), limit }) } else { Ok(text) }
}

fn parse(yaml: &str, name: &str) -> Result<Policy, PolicyFileError> {
    let document: Document =
        serde_saphyr::from_str_with_options(yaml, plain()).map_err(|error| unreadable(&error, name))?;
    Policy::try_from(document).map_err(|problem| {
        let line = line_of(yaml, &problem).map(|line| format!(":{line}")).unwrap_or_default();
        PolicyFileError::Policy { at: format!("{name}{line}"), problem: Box::new(problem) }
    })
}

fn unreadable(error: &serde_saphyr::Error, name: &str) -> PolicyFileError {
    let Some(place) = error.location() else {
        return PolicyFileError::Yaml { at: name.into(), problem: error.to_string() };
    };
    let (line, column) = (place.line(), place.column());
    let text = error.to_string();
    let problem = text.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(&text).into();
    PolicyFileError::Yaml { at: format!("{name}:{line}:{column}"), problem }
}

/// The line of the rule, or of the top-level setting, in which something is wrong.
fn line_of(yaml: &str, problem: &PolicyError) -> Option<u64> {
    match problem.rule() {
        Some(rule) => rule_line(yaml, rule),
        None => setting_line(yaml, problem.field().split('.').next()?),
    }
}

/// The last rule of this name: where two have the same, the later one is too much.
fn rule_line(yaml: &str, rule: &str) -> Option<u64> {
    let places: Places = serde_saphyr::from_str_with_options(yaml, plain()).ok()?;
    let mut names = places.rules.into_iter().chain(places.egress).map(|place| place.name);
    names.rfind(|name| name.value == rule).map(|name| name.referenced.line())
}

fn setting_line(yaml: &str, setting: &str) -> Option<u64> {
    let begins = |line: &str| line.strip_prefix(setting).is_some_and(|rest| rest.trim_start().starts_with(':'));
    (1..).zip(yaml.lines()).find(|(_, line)| begins(line)).map(|(number, _)| number)
}

/// Where the rules of a document stand.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    rules: Vec<RulePlace>,
    egress: Vec<RulePlace>,
}

#[derive(Deserialize)]
struct RulePlace {
    name: Spanned<String>,
}

/// Errors without a drawing of the text around them.
fn plain() -> serde_saphyr::Options {
    serde_saphyr::options! { with_snippet: false }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "stdin".into() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(yaml: &str) -> String {
        parse(yaml, "policy.yaml").unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        for (yaml, at, word) in [
            ("default: same-label\nmesh-cidr: []\n", "policy.yaml:2:1: ", "mesh-cidr"),
            ("default: sometimes\n", "policy.yaml:1:10: ", "sometimes"),
            ("rules: [\n", "policy.yaml:", ""),
            ("default: none\ndefault: none\n", "policy.yaml:2:1: ", "default"),
            ("default: none\nmesh-cidrs: [10.77.0.1/16]\n", "policy.yaml:2: `mesh-cidrs", "10.77.0.0/16"),
            ("lifetimes:\n  cosmic: 5m\n", "policy.yaml:1: `lifetimes.cosmic`", "no level `cosmic`"),
            (
                "rules:\n- name: a\n  allow: { from: any, to: any }\n- name: b\n  deny: { from: { label: cosmic }, to: any }\n",
                "policy.yaml:4: rule `b`: ",
                "no level `cosmic`",
            ),
            (
                "rules:\n- name: a\n  allow: { from: any, to: any }\n- name: a\n  allow: { from: any, to: any }\n",
                "policy.yaml:4: rule `a`: ",
                "same name",
            ),
        ] {
            let problem = problem(yaml);
            assert!(problem.starts_with(at) && problem.contains(word), "{problem}");
            assert!(!problem.contains(" at line "), "{problem}");
        }
    }

    #[test]
    fn an_empty_file_is_the_policy_of_defaults() {
        assert!(parse("{}", "policy.yaml").unwrap().mesh_cidrs().is_empty());
    }
}
