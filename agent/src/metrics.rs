//! What the agent counts; every label value is an enum.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The agent's counters; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    refused: Family<RefusedLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    streams: Gauge,
    registrations: Gauge,
    connected: Gauge,
    node_not_after: Gauge,
    registry: Registry,
}

/// Why a call to a workload's socket was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedCall {
    /// The SPIFFE header was missing.
    Header,
    /// Another user or group.
    Caller,
    /// Too many connections.
    Connections,
}

/// What was asked of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A workload's certificate.
    Issue,
    /// The node's next certificate.
    Renew,
    /// The stream of registrations.
    Watch,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As asked.
    Done,
    /// The CA said no: the node is revoked, or the registration is not this node's.
    Refused,
    /// The CA could not be reached or did not answer as it should.
    Failed,
}

impl RefusedCall {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Caller => "caller",
            Self::Connections => "connections",
        }
    }
}

impl Asked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Renew => "renew",
            Self::Watch => "watch",
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

/// Writes label values by their lower-case names.
macro_rules! encode_by_name {
    ($($label:ty),*) => {$(
        impl EncodeLabelValue for $label {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                self.as_str().encode(encoder)
            }
        }
    )*};
}

encode_by_name!(RefusedCall, Asked, Outcome);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: RefusedCall,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    asked: Asked,
    outcome: Outcome,
}

/// Counts one open stream for as long as it lives.
#[derive(Debug)]
pub struct OpenStream(Metrics);

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut inner = Inner::default();
        let mut registry = Registry::with_prefix("bulkhead_agent");
        registry.register("refused_calls", "Calls to workloads' sockets that were refused", inner.refused.clone());
        registry.register("ca_requests", "Requests to the CA by how they ended", inner.requests.clone());
        registry.register("workload_api_streams", "Open streams of workloads", inner.streams.clone());
        registry.register("registrations", "Workloads registered on this node", inner.registrations.clone());
        registry.register("ca_connected", "1 while the CA's stream of registrations stands", inner.connected.clone());
        registry.register(
            "node_certificate_not_after_seconds",
            "When the node's certificate ends, seconds since 1970",
            inner.node_not_after.clone(),
        );
        inner.registry = registry;
        Self(Arc::new(inner))
    }

    /// Counts a refused call.
    pub fn refused(&self, reason: RefusedCall) {
        self.0.refused.get_or_create(&RefusedLabels { reason }).inc();
    }

    /// Counts a request to the CA.
    pub fn asked(&self, asked: Asked, outcome: Outcome) {
        self.0.requests.get_or_create(&RequestLabels { asked, outcome }).inc();
    }

    /// Counts a stream until the mark is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.0.streams.inc();
        OpenStream(self.clone())
    }

    /// Sets the number of registrations.
    pub fn registrations(&self, number: usize) {
        self.0.registrations.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// Sets whether the CA's stream stands.
    pub fn connected(&self, connected: bool) {
        self.0.connected.set(i64::from(connected));
    }

    /// Sets when the node's certificate ends.
    pub fn node_not_after(&self, seconds: u64) {
        self.0.node_not_after.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// All of them in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail; a metric that cannot be written would leave its line out.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.0.streams.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_is_counted_by_its_name() {
        let metrics = Metrics::new();
        metrics.refused(RefusedCall::Header);
        metrics.asked(Asked::Issue, Outcome::Refused);
        let open = metrics.open_stream();
        let text = metrics.encode();
        assert!(text.contains(r#"bulkhead_agent_refused_calls_total{reason="header"} 1"#), "{text}");
        assert!(text.contains(r#"bulkhead_agent_ca_requests_total{asked="issue",outcome="refused"} 1"#), "{text}");
        assert!(text.contains("bulkhead_agent_workload_api_streams 1"), "{text}");
        drop(open);
        assert!(metrics.encode().contains("bulkhead_agent_workload_api_streams 0"));
    }
}
