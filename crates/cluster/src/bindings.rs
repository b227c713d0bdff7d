//! Which label the workloads of an account get: the list that the security team keeps in a ConfigMap.
//!
//! ```yaml
//! - { namespace: shop, service-account: db, label: "confidential:pci" }
//! - { namespace: shop, service-account: "*", label: internal }
//! ```
//!
//! A pod's own labels and annotations never count: whoever may make pods may write them.

use std::collections::BTreeMap;

use bulkhead_mesh::{Label, WorkloadName};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// Labels by account: an account's own line counts before its namespace's `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    accounts: BTreeMap<WorkloadName, Label>,
    namespaces: BTreeMap<String, Label>,
}

impl Bindings {
    /// Reads the list, in YAML of at most [`MAX_BYTES`]. An empty text is no list: somebody has lost it.
    pub fn read(yaml: &str) -> Result<Self, BindingsError> {
        if yaml.len() > MAX_BYTES {
            return Err(BindingsError::TooLong { bytes: yaml.len() });
        }
        let lines: Option<Vec<Spanned<Line>>> =
            serde_saphyr::from_str(yaml).map_err(|problem| BindingsError::Yaml { problem: problem.to_string() })?;
        let mut read = Self::default();
        lines.ok_or(BindingsError::Empty)?.into_iter().try_for_each(|line| read.add(line))?;
        Ok(read)
    }

    /// The label of this account; `None` where the list says nothing of it.
    pub fn label_of(&self, workload: &WorkloadName) -> Option<&Label> {
        self.accounts.get(workload).or_else(|| self.namespaces.get(workload.namespace()))
    }

    /// Every label that it gives.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.accounts.values().chain(self.namespaces.values())
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.accounts.len() + self.namespaces.len()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&mut self, Spanned { value, referenced, .. }: Spanned<Line>) -> Result<(), BindingsError> {
        let (line, Line { namespace, service_account, label }) = (referenced.line(), value);
        let label = label.parse().map_err(|problem: bulkhead_mesh::label::ParseLabelError| {
            let problem = problem.to_string();
            BindingsError::Label { line, problem }
        })?;
        let named = if service_account == EVERY { "any" } else { &service_account };
        let name = format!("ns/{namespace}/sa/{named}").parse();
        let name: WorkloadName = name.map_err(|_| BindingsError::Account {
            line,
            namespace: namespace.clone(),
            service_account: service_account.clone(),
        })?;
        let before = match service_account.as_str() {
            EVERY => self.namespaces.insert(namespace.clone(), label),
            _ => self.accounts.insert(name, label),
        };
        before.map_or(Ok(()), |_| Err(BindingsError::Twice { line, namespace, service_account }))
    }
}

/// More than a ConfigMap can hold is not read (its limit is 1 MiB).
pub const MAX_BYTES: usize = 1 << 20;

/// Why a text is no list of bindings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum BindingsError {
    #[error("a list of labels has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the list of labels says nothing; one without a line is written `[]`")]
    Empty,
    #[error("the list of labels is not what the format demands: {problem}")]
    Yaml { problem: String },
    #[error("line {line}: {problem}")]
    Label { line: u64, problem: String },
    #[error("line {line}: `{namespace}` and `{service_account}` name no service account")]
    Account { line: u64, namespace: String, service_account: String },
    #[error(
        "line {line}: the label of `{service_account}` in namespace `{namespace}` stands in an earlier line already"
    )]
    Twice { line: u64, namespace: String, service_account: String },
}

/// One line, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    namespace: String,
    service_account: String,
    label: String,
}

const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label_of(bindings: &Bindings, account: &str) -> Option<String> {
        bindings.label_of(&account.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn an_accounts_own_line_counts_before_its_namespaces() {
        let yaml = "- { namespace: shop, service-account: \"*\", label: internal }\n\
                    - { namespace: shop, service-account: db, label: \"confidential:pci\" }\n";
        let bindings = Bindings::read(yaml).unwrap();
        assert_eq!(label_of(&bindings, "ns/shop/sa/db").unwrap(), "confidential:pci");
        assert_eq!(label_of(&bindings, "ns/shop/sa/web").unwrap(), "internal");
        assert_eq!(label_of(&bindings, "ns/bank/sa/db"), None);
        assert_eq!(bindings.len(), 2);
    }

    #[test]
    fn a_list_without_a_line_must_be_written_as_one() {
        for empty in ["[]", "# nothing yet\n[]\n"] {
            assert!(Bindings::read(empty).unwrap().is_empty(), "{empty:?}");
        }
        for lost in ["", "# nothing yet\n", "null"] {
            assert_eq!(Bindings::read(lost), Err(BindingsError::Empty), "{lost:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let good = "- { namespace: shop, service-account: web, label: internal }\n";
        for (second, expected) in [
            (
                "- { namespace: shop, service-account: web, label: public }",
                "line 2: the label of `web` in namespace `shop`",
            ),
            ("- { namespace: shop, service-account: db, label: \"Top Secret\" }", "line 2:"),
            (
                "- { namespace: a/b, service-account: db, label: public }",
                "line 2: `a/b` and `db` name no service account",
            ),
            ("- { namespace: shop, service-account: \"\", label: public }", "line 2:"),
            ("- { namespace: shop, account: db, label: public }", "line 2"),
            ("- { namespace: shop, label: public }", "line 2"),
            ("shop: public", "line 2"),
        ] {
            let refusal = Bindings::read(&format!("{good}{second}\n")).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{second:?} was refused with {refusal:?}");
        }
        let twice = "- { namespace: a, service-account: '*', label: public }\n".repeat(2);
        assert!(matches!(Bindings::read(&twice), Err(BindingsError::Twice { line: 2, .. })));
    }

    #[test]
    fn a_text_that_is_too_long_is_not_even_read() {
        let longest = "#".repeat(MAX_BYTES);
        assert_eq!(Bindings::read(&longest), Err(BindingsError::Empty), "read, and found to be a remark");
        assert!(matches!(Bindings::read(&(longest + "#")), Err(BindingsError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = Bindings::read(&text);
        }
    }
}
