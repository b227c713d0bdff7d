//! What the agent counts; every label value is an enum.

mod labels;

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use labels::{Asked, Outcome, RefusedCall};
use labels::{RefusedLabels, RequestLabels};

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
        bulkhead_daemon::metrics::text(&self.0.registry)
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
