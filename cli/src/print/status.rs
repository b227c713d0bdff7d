//! How the CA is.

use super::Shown;
use super::table::properties;
use crate::record::Status;

impl Shown for Status {
    fn text(&self) -> String {
        properties(&[
            ("trust domain", self.trust_domain.to_string()),
            ("version", self.version.clone()),
            ("time", self.now.to_string()),
            ("facts", format!("{} of history {}", self.position.n, self.position.incarnation)),
            ("nodes", self.nodes.to_string()),
            ("workloads", self.workloads.to_string()),
            ("watchers", self.watchers.to_string()),
            ("audit head", self.audit_head.clone()),
        ])
    }
}
