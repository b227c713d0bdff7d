//! A node's clearance as its Kubernetes label says it: `confidential`, or `confidential.eu.pci` with categories.
//!
//! A label's value may hold neither `:` nor `,`, so a dot stands for both; no level and no category has one in its name.

use std::collections::BTreeMap;

use bulkhead_mesh::Label;
use bulkhead_mesh::label::ParseLabelError;

use crate::names::CLEARANCE;

/// What the labels of a node say of its clearance; `None` when they say nothing.
pub fn of_node(labels: &BTreeMap<String, String>) -> Result<Option<Label>, ClearanceError> {
    labels.get(CLEARANCE).map(|value| read(value)).transpose()
}

/// Reads the label's value.
pub fn read(value: &str) -> Result<Label, ClearanceError> {
    let text = match value.split_once('.') {
        Some((level, categories)) => format!("{level}:{}", categories.replace('.', ",")),
        None => value.to_owned(),
    };
    text.parse().map_err(|source| ClearanceError { value: value.to_owned(), source })
}

/// The value is no clearance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node's label `{CLEARANCE}` is `{value}`, which is not `level` or `level.category.category`")]
pub struct ClearanceError {
    value: String,
    source: ParseLabelError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_what_a_kubernetes_label_cannot_hold() {
        for (value, label) in [
            ("internal", Some("internal")),
            ("confidential.pci", Some("confidential:pci")),
            ("confidential.pci.eu", Some("confidential:eu,pci")),
            ("", None),
            (".pci", None),
            ("confidential.", None),
            ("confidential..pci", None),
            ("confidential.pci.pci", None),
            ("Confidential", None),
        ] {
            assert_eq!(read(value).ok().map(|label| label.to_string()).as_deref(), label, "{value:?}");
        }
    }

    #[test]
    fn only_the_label_that_a_kubelet_cannot_write_counts() {
        let labels = |name: &str| BTreeMap::from([(name.to_owned(), "restricted".to_owned())]);
        assert_eq!(of_node(&labels("bulkhead-mesh.dev/clearance")), Ok(None));
        let found = of_node(&labels("node-restriction.kubernetes.io/bulkhead-clearance")).unwrap();
        assert_eq!(found.unwrap().to_string(), "restricted");
        let bad = of_node(&BTreeMap::from([(CLEARANCE.to_owned(), "Top".to_owned())])).unwrap_err();
        assert!(bad.to_string().contains("`Top`"), "{bad}");
    }
}
