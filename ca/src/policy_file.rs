//! The policy as an operator writes it: YAML in, a valid policy or a line and a reason out.

use bulkhead_mesh::policy::Document;
use bulkhead_mesh::{Policy, PolicyError};
use bulkhead_protocol::convert::policy_json;

/// Reads a policy document in YAML of at most [`MAX_BYTES`].
pub fn read(yaml: &str) -> Result<Policy, PolicyFileError> {
    if yaml.len() > MAX_BYTES {
        return Err(PolicyFileError::TooLong { bytes: yaml.len() });
    }
    let document: Document =
        serde_saphyr::from_str(yaml).map_err(|problem| PolicyFileError::Yaml { problem: problem.to_string() })?;
    let policy = Policy::try_from(document)?;
    match policy_json(&policy).len() {
        bytes if bytes > MAX_BYTES => Err(PolicyFileError::TooLong { bytes }),
        _ => Ok(policy),
    }
}

/// What one fact of the feed may hold, less what goes around it: a policy that proxies would refuse is refused here.
pub const MAX_BYTES: usize = (2 << 20) - 1024;

/// Why a text is not a policy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum PolicyFileError {
    #[error("a policy has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the policy is not what the format demands: {problem}")]
    Yaml { problem: String },
    #[error("{0}")]
    Policy(#[from] PolicyError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_is_a_policy() {
        let policy = read(include_str!("../../docs/policy-example.yaml")).unwrap();
        assert_eq!(policy.mesh_cidrs().len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_or_its_rule() {
        for (yaml, expected) in [
            ("default: same-label\nrulez: []\n", "line 2"),
            ("default: sometimes\n", "line 1"),
            ("rules:\n  - name: x\n    allow: { from: any, to: any, ports: [] }\n", "rule `x`"),
            ("mesh-cidrs: [10.77.0.1/16]\n", "mesh-cidrs"),
            ("rules: {", "line"),
        ] {
            let refusal = read(yaml).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{yaml:?} was refused with {refusal:?}");
        }
    }

    #[test]
    fn what_is_accepted_fits_into_a_fact() {
        assert!(MAX_BYTES < bulkhead_protocol::feed::Limits::default().body_bytes);
    }

    #[test]
    fn a_text_that_is_too_long_is_not_even_read() {
        assert!(matches!(read(&" ".repeat(MAX_BYTES + 1)), Err(PolicyFileError::TooLong { .. })));
    }
}
