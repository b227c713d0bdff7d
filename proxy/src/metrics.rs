//! What the proxy counts: every label value is an enum, and nothing is counted per packet.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::probe::ProbeKind;
use bulkhead_mesh::{Direction, Mode, PermitGround, Standing};
use bulkhead_protocol::feed::Position;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::probes::Outcome;
use crate::reason::{HandshakeFailure, Reason};

/// The proxy's counters; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    opened: Family<OpenedLabels, Counter>,
    closed: Family<ClosedLabels, Counter>,
    bytes: Family<BytesLabels, Counter>,
    live: Family<OpenedLabels, Gauge>,
    permitted: Family<PermittedLabels, Counter>,
    would_deny: Family<OpenedLabels, Counter>,
    handshakes: Family<OpenedLabels, Counter>,
    handshakes_refused: Family<HandshakeLabels, Counter>,
    tunnels: Family<OpenedLabels, Gauge>,
    malformed: Counter,
    shed: Counter,
    probes: Family<ProbeLabels, Counter>,
    captured: Gauge,
    permissive: Gauge,
    permissive_until: Gauge,
    not_after: Gauge,
    incarnation: Gauge,
    position: Gauge,
    staleness: Gauge,
    registry: Registry,
}

/// Which way the bytes of a connection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Counts one thing that is open, for as long as it lives.
#[derive(Debug)]
pub struct Open(Gauge);

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut inner = Inner { registry: Registry::with_prefix("bulkhead"), ..Inner::default() };
        inner.register_connections();
        inner.register_tunnels();
        inner.register_state();
        Self(Arc::new(inner))
    }

    /// Counts a connection as opened, and as live until the mark is dropped.
    pub fn opened(&self, direction: Direction) -> Open {
        let labels = OpenedLabels { direction: Side(direction) };
        self.0.opened.get_or_create(&labels).inc();
        Open::count(&self.0.live.get_or_create(&labels))
    }

    /// Counts a connection as closed, with its bytes.
    pub fn closed(&self, direction: Direction, reason: Reason, up: u64, down: u64) {
        let direction = Side(direction);
        self.0.closed.get_or_create(&ClosedLabels { direction, reason }).inc();
        for (way, bytes) in [(Way::Up, up), (Way::Down, down)] {
            self.0.bytes.get_or_create(&BytesLabels { direction, way }).inc_by(bytes);
        }
    }

    /// Counts a connection that was allowed, by what allowed it.
    pub fn permitted(&self, direction: Direction, ground: &PermitGround) {
        let labels = PermittedLabels { direction: Side(direction), ground: ground.into() };
        self.0.permitted.get_or_create(&labels).inc();
    }

    /// Counts a connection that passed although an audited rule would refuse it.
    pub fn would_deny(&self, direction: Direction) {
        self.0.would_deny.get_or_create(&OpenedLabels { direction: Side(direction) }).inc();
    }

    /// Counts a handshake that succeeded, and its tunnel as open until the mark is dropped.
    pub fn tunnel(&self, direction: Direction) -> Open {
        let labels = OpenedLabels { direction: Side(direction) };
        self.0.handshakes.get_or_create(&labels).inc();
        Open::count(&self.0.tunnels.get_or_create(&labels))
    }

    /// Counts a handshake, or the beginning of a tunnel, that failed.
    pub fn handshake_refused(&self, direction: Direction, reason: HandshakeFailure) {
        self.0.handshakes_refused.get_or_create(&HandshakeLabels { direction: Side(direction), reason }).inc();
    }

    /// Counts a request in a tunnel that was none.
    pub fn malformed(&self) {
        self.0.malformed.inc();
    }

    /// Counts connections that were reset at once because no descriptor was left for them.
    pub fn shed(&self, connections: u64) {
        self.0.shed.inc_by(connections);
    }

    /// Counts a probe that was asked here, in whichever way it ended.
    pub fn probe(&self, kind: ProbeKind, result: Outcome) {
        self.0.probes.get_or_create(&ProbeLabels { kind: Occasion(kind), result }).inc();
    }

    /// Sets whether the canary has lately proved that connections are captured.
    pub fn captured(&self, captured: bool) {
        self.0.captured.set(i64::from(captured));
    }

    /// Sets until when this workload was told to be permissive, and whether it is.
    pub fn mode(&self, mode: Mode, standing: Option<Standing>) {
        let until = if let Mode::Permissive { until } = mode { until.as_secs() } else { 0 };
        self.0.permissive_until.set(gauge(until));
        self.0.permissive.set(i64::from(standing.is_some_and(Standing::is_permissive)));
    }

    /// Sets when the own certificate ends, in seconds since 1970.
    pub fn not_after(&self, seconds: u64) {
        self.0.not_after.set(gauge(seconds));
    }

    /// Sets where in the feed this proxy stands, and since when it is not sure to have all of it.
    pub fn feed(&self, position: Position, staleness: Duration) {
        self.0.incarnation.set(gauge(position.incarnation.number()));
        self.0.position.set(gauge(position.n));
        self.0.staleness.set(gauge(staleness.as_secs()));
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

impl Inner {
    fn register_connections(&mut self) {
        let registry = &mut self.registry;
        registry.register("connections_opened", "Connections that began", self.opened.clone());
        registry.register(
            "connections_closed",
            "Connections that ended or were refused, by reason",
            self.closed.clone(),
        );
        registry.register("connections_live", "Connections that are open", self.live.clone());
        registry.register_with_unit(
            "transferred",
            "Bytes of ended connections, up from client to server and down",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register(
            "connections_permitted",
            "Connections that were allowed, by what allowed them",
            self.permitted.clone(),
        );
        registry.register(
            "connections_would_deny",
            "Connections that passed although an audited rule would refuse them",
            self.would_deny.clone(),
        );
        registry.register("connections_shed", "Connections reset for want of a descriptor", self.shed.clone());
        registry.register("requests_malformed", "Requests in tunnels that were none", self.malformed.clone());
    }

    fn register_tunnels(&mut self) {
        let registry = &mut self.registry;
        registry.register("handshakes", "Tunnels that began", self.handshakes.clone());
        registry.register(
            "handshakes_refused",
            "Handshakes that failed on this side, by reason",
            self.handshakes_refused.clone(),
        );
        registry.register("tunnels_open", "Tunnels that are open", self.tunnels.clone());
    }

    fn register_state(&mut self) {
        let registry = &mut self.registry;
        registry.register("probes", "Probes that were asked here, by occasion and result", self.probes.clone());
        registry.register("capture_proved", "1 while the canary arrives", self.captured.clone());
        registry.register(
            "permissive",
            "1 while whoever has no certificate passes where no rule speaks of it",
            self.permissive.clone(),
        );
        registry.register_with_unit(
            "permissive_until",
            "Until when this workload was told to be permissive, since 1970; 0 if never",
            Unit::Seconds,
            self.permissive_until.clone(),
        );
        registry.register_with_unit(
            "certificate_not_after",
            "When the own certificate ends, since 1970",
            Unit::Seconds,
            self.not_after.clone(),
        );
        registry.register("feed_incarnation", "The history of facts that is held", self.incarnation.clone());
        registry.register("feed_position", "The last fact of it that is held", self.position.clone());
        registry.register_with_unit(
            "feed_staleness",
            "For how long facts may have been missed",
            Unit::Seconds,
            self.staleness.clone(),
        );
    }
}

impl Open {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Way {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A direction as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Side(Direction);

impl Side {
    const fn as_str(self) -> &'static str {
        match self.0 {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

/// What allowed a connection, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum GroundKind {
    Rule,
    Default,
    Permissive,
}

impl GroundKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Default => "default",
            Self::Permissive => "permissive",
        }
    }
}

impl From<&PermitGround> for GroundKind {
    fn from(ground: &PermitGround) -> Self {
        match ground {
            PermitGround::Rule(_) => Self::Rule,
            PermitGround::Default(_) => Self::Default,
            PermitGround::Permissive => Self::Permissive,
        }
    }
}

/// The occasion of a probe as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Occasion(ProbeKind);

impl Occasion {
    const fn as_str(self) -> &'static str {
        match self.0 {
            ProbeKind::Startup => "startup",
            ProbeKind::Liveness => "liveness",
            ProbeKind::Readiness => "readiness",
            ProbeKind::PostStart => "post-start",
            ProbeKind::PreStop => "pre-stop",
        }
    }
}

bulkhead_daemon::label_values!(Side, Way, Reason, HandshakeFailure, GroundKind, Occasion, Outcome);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpenedLabels {
    direction: Side,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PermittedLabels {
    direction: Side,
    ground: GroundKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabels {
    direction: Side,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BytesLabels {
    direction: Side,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    direction: Side,
    reason: HandshakeFailure,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProbeLabels {
    kind: Occasion,
    result: Outcome,
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_is_counted_by_its_name() {
        let metrics = Metrics::new();
        let live = metrics.opened(Direction::Inbound);
        metrics.closed(Direction::Inbound, Reason::Revoked, 3, 5);
        metrics.handshake_refused(Direction::Inbound, HandshakeFailure::Timeout);
        let tunnel = metrics.tunnel(Direction::Outbound);
        metrics.probe(ProbeKind::PreStop, Outcome::TimedOut);
        metrics.permitted(Direction::Inbound, &PermitGround::Permissive);
        let text = metrics.encode();
        for line in [
            r#"bulkhead_connections_opened_total{direction="inbound"} 1"#,
            r#"bulkhead_connections_closed_total{direction="inbound",reason="revoked"} 1"#,
            r#"bulkhead_transferred_bytes_total{direction="inbound",way="down"} 5"#,
            r#"bulkhead_connections_live{direction="inbound"} 1"#,
            r#"bulkhead_handshakes_refused_total{direction="inbound",reason="timeout"} 1"#,
            r#"bulkhead_handshakes_total{direction="outbound"} 1"#,
            r#"bulkhead_tunnels_open{direction="outbound"} 1"#,
            r#"bulkhead_connections_permitted_total{direction="inbound",ground="permissive"} 1"#,
            r#"bulkhead_probes_total{kind="pre-stop",result="timeout"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        drop((live, tunnel));
        assert!(metrics.encode().contains(r#"bulkhead_tunnels_open{direction="outbound"} 0"#));
    }
}
