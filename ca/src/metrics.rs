//! What the CA counts; every label value is an enum.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The CA's counters.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    /// Handshakes that ended in no connection.
    pub refused_handshakes: Counter,
    /// Calls by certificates that may not make them.
    pub refused_callers: Counter,
    /// Watchers that remember more than this CA: it was restored from an older state.
    pub regressions: Counter,
    /// Looks at the list of workloads' labels that ended without one.
    pub unreadable_labels: Counter,
}

/// What was asked of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A node's first certificate.
    Join,
    /// A workload's certificate.
    Issue,
    /// A certificate by a pod's token.
    Attest,
    /// A node's next certificate.
    Renew,
    /// The feed.
    Watch,
    /// A change of the directory.
    Directory,
    /// Anything that an operator commands.
    Admin,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As asked.
    Done,
    /// The caller was refused.
    Refused,
    /// The CA failed.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: Call,
    outcome: Outcome,
}

impl Metrics {
    /// Counts one call.
    pub fn called(&self, call: Call, outcome: Outcome) {
        self.calls.get_or_create(&CallLabels { call, outcome }).inc();
    }

    /// All of them in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut registry = Registry::with_prefix("bulkhead_ca");
        registry.register("calls", "Calls by how they ended", self.calls.clone());
        registry.register(
            "refused_handshakes",
            "Handshakes that ended in no connection",
            self.refused_handshakes.clone(),
        );
        registry.register(
            "refused_callers",
            "Calls by certificates that may not make them",
            self.refused_callers.clone(),
        );
        registry.register("watchers_ahead", "Watchers that remember more than this CA", self.regressions.clone());
        registry.register(
            "unreadable_labels",
            "Looks at the list of workloads' labels that ended without one",
            self.unreadable_labels.clone(),
        );
        bulkhead_daemon::metrics::text(&registry)
    }
}

impl Call {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Issue => "issue",
            Self::Attest => "attest",
            Self::Renew => "renew",
            Self::Watch => "watch",
            Self::Directory => "directory",
            Self::Admin => "admin",
        }
    }
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

bulkhead_daemon::label_values!(Call, Outcome);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_by_its_outcome() {
        let metrics = Metrics::default();
        metrics.called(Call::Join, Outcome::Refused);
        let text = metrics.encode();
        assert!(text.contains(r#"bulkhead_ca_calls_total{call="join",outcome="refused"} 1"#), "{text}");
    }
}
