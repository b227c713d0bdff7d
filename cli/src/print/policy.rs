//! The policy, as YAML that `policy apply` reads.

use bulkhead_mesh::Document;

use super::Shown;
use crate::record::{AppliedPolicy, Position, ShownPolicy};

impl Shown for ShownPolicy {
    fn text(&self) -> String {
        let origin = match self.position {
            Some(Position { incarnation, n }) => format!("fact {n} of history {incarnation}"),
            None => "the defaults: no policy was ever applied".into(),
        };
        format!("# {origin}\n{}\n", document(self).trim_end())
    }
}

impl Shown for AppliedPolicy {
    fn text(&self) -> String {
        let Position { incarnation, n } = self.position;
        format!("applied as fact {n} of history {incarnation}\n")
    }
}

/// Through our own type, whose fields stand in the order in which people write them. What a newer CA tells in words that
/// this command does not know is printed as it came: JSON is YAML too.
fn document(shown: &ShownPolicy) -> String {
    let ours = serde_json::from_value::<Document>(shown.policy.clone());
    let yaml = ours.ok().and_then(|document| serde_saphyr::to_string(&document).ok());
    yaml.unwrap_or_else(|| format!("{:#}", shown.policy))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(policy: serde_json::Value) -> String {
        ShownPolicy { position: Some(Position { incarnation: 1, n: 2 }), policy }.text()
    }

    #[test]
    fn what_is_shown_can_be_applied_again() {
        let policy = json!({
            "default": "same-label",
            "mesh-cidrs": ["10.77.0.0/16"],
            "staleness": { "internal": "best-effort", "restricted": { "strict": "60s" } },
            "rules": [{
                "name": "no-pci-to-lab",
                "deny": { "from": { "label": "restricted:pci" }, "to": { "identity": "ns/obs/sa/*" }, "ports": [80] },
                "expires": "2027-01-01T00:00:00Z",
            }],
            "egress": [{ "name": "on", "allow": { "from": "any", "to": ["192.0.2.0/24"] } }],
        });
        let text = text(policy.clone());
        assert!(text.starts_with("# fact 2 of history 1\ndefault: same-label\nmesh-cidrs:\n"), "{text}");
        let read: Document = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), policy);
    }

    #[test]
    fn a_policy_with_unknown_words_is_shown_as_it_came() {
        let text = text(json!({ "default": "none", "quorum": 3 }));
        assert!(text.contains("\"quorum\": 3"), "{text}");
    }
}
