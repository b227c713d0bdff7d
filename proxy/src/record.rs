//! One connection's line in the log and its place in the counters, written at its end whatever the end is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bulkhead_identity::VerifiedPeer;
use bulkhead_mesh::{Direction, Label, NodeEpoch, Permit, ServiceName, SpiffeId};

use crate::copy::Counts;
use crate::identity_source::Own;
use crate::metrics::{Metrics, Open};
use crate::reason::{End, Reason};
use crate::refused::Refused;

/// What is known of one connection so far. Dropped without an end, it says that the connection was abandoned.
#[derive(Debug)]
pub struct Record(Box<Facts>);

/// In what way a connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// It was refused before that was known.
    Undecided,
    /// In a tunnel between two proxies.
    Tunnel,
    /// In clear, to or from a party without a sidecar.
    Plain,
    /// From a workload to itself.
    Own,
    /// In clear, out of the mesh.
    Egress,
}

#[derive(Debug)]
struct Facts {
    metrics: Metrics,
    _open: Open,
    direction: Direction,
    path: Path,
    from: SocketAddr,
    claimed_from: Option<SocketAddr>,
    to: Option<SocketAddr>,
    endpoint: Option<SocketAddr>,
    service: Option<ServiceName>,
    own: Option<Arc<Own>>,
    peer: Option<Arc<VerifiedPeer>>,
    rule: Option<String>,
    would_deny: Option<String>,
    counts: Arc<Counts>,
    began: Instant,
    ended: bool,
}

impl Record {
    /// A connection begins.
    pub fn open(metrics: &Metrics, direction: Direction, from: SocketAddr) -> Self {
        Self(Box::new(Facts {
            metrics: metrics.clone(),
            _open: metrics.opened(direction),
            direction,
            path: Path::Undecided,
            from,
            claimed_from: None,
            to: None,
            endpoint: None,
            service: None,
            own: None,
            peer: None,
            rule: None,
            would_deny: None,
            counts: Arc::default(),
            began: Instant::now(),
            ended: false,
        }))
    }

    /// Where its bytes are counted.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.0.counts)
    }

    /// Where it comes from, as the peer's proxy says: nothing vouches for it.
    pub fn claimed_from(&mut self, client: Option<SocketAddr>) {
        self.0.claimed_from = client;
    }

    /// Where it goes, as the client says.
    pub fn to(&mut self, to: SocketAddr) {
        self.0.to = Some(to);
    }

    /// In what way, and where it really goes.
    pub fn route(&mut self, path: Path, endpoint: SocketAddr) {
        self.0.path = path;
        self.0.endpoint = Some(endpoint);
    }

    /// Which service was addressed.
    pub fn service(&mut self, service: &ServiceName) {
        self.0.service = Some(service.clone());
    }

    /// Who this proxy's workload is.
    pub fn own(&mut self, own: &Arc<Own>) {
        self.0.own = Some(Arc::clone(own));
    }

    /// Who is on the other side.
    pub fn peer(&mut self, peer: &Arc<VerifiedPeer>) {
        self.0.peer = Some(Arc::clone(peer));
    }

    /// It may be.
    pub fn permitted(&mut self, permit: &Permit) {
        self.0.rule = Some(permit.ground().to_string());
        self.0.metrics.permitted(self.0.direction, permit.ground());
        self.0.would_deny = permit.would_deny().map(ToString::to_string);
        if permit.would_deny().is_some() {
            self.0.metrics.would_deny(self.0.direction);
        }
    }

    /// It was refused.
    pub fn refused(mut self, refused: &Refused) {
        if let Some(rule) = refused.rule() {
            self.0.rule = Some(format!("rule `{rule}`"));
        }
        self.0.write(&End::from(refused), refused.hint());
    }

    /// It was carried, and has ended.
    pub fn ended(mut self, end: &End) {
        self.0.write(end, None);
    }

    /// Either of these.
    pub fn close(self, outcome: Result<End, Refused>) {
        match outcome {
            Ok(end) => self.ended(&end),
            Err(refused) => self.refused(&refused),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.0.ended {
            self.0.write(&Reason::Abandoned.into(), None);
        }
    }
}

impl Facts {
    fn write(&mut self, end: &End, hint: Option<&str>) {
        self.ended = true;
        let (up, down) = self.bytes();
        self.metrics.closed(self.direction, end.reason, up, down);
        let (client, server) = self.parties();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    direction = %self.direction,
                    path = self.path.as_str(),
                    reason = end.reason.as_str(),
                    detail = end.detail.as_deref(),
                    hint,
                    rule = self.rule.as_deref(),
                    would_deny = self.would_deny.as_deref(),
                    client = client.map(|who| tracing::field::display(who.id)),
                    client_label = client.and_then(|who| who.label).map(tracing::field::display),
                    client_node = client.and_then(|who| who.node).map(tracing::field::display),
                    server = server.map(|who| tracing::field::display(who.id)),
                    server_label = server.and_then(|who| who.label).map(tracing::field::display),
                    server_node = server.and_then(|who| who.node).map(tracing::field::display),
                    service = self.service.as_ref().map(tracing::field::display),
                    from = %self.from,
                    claimed_from = self.claimed_from.map(tracing::field::display),
                    to = self.to.map(tracing::field::display),
                    endpoint = self.endpoint.map(tracing::field::display),
                    bytes_up = up,
                    bytes_down = down,
                    duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "connection"
                )
            };
        }
        if end.reason.is_refusal() { line!(warn) } else { line!(info) }
    }

    /// From client to server, and back. In a tunnel they are counted from the application, which inbound is the server.
    fn bytes(&self) -> (u64, u64) {
        let (up, down) = (self.counts.up(), self.counts.down());
        let swapped = self.direction == Direction::Inbound && self.path == Path::Tunnel;
        if swapped { (down, up) } else { (up, down) }
    }

    fn parties(&self) -> (Option<Who<'_>>, Option<Who<'_>>) {
        let own = self.own.as_deref().map(Who::own);
        let peer = if self.path == Path::Own { own } else { self.peer.as_deref().map(Who::peer) };
        match self.direction {
            Direction::Inbound => (peer, own),
            Direction::Outbound => (own, peer),
        }
    }
}

impl Path {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Tunnel => "tunnel",
            Self::Plain => "plain",
            Self::Own => "own",
            Self::Egress => "egress",
        }
    }
}

/// A party as the log names it.
#[derive(Clone, Copy, Debug)]
struct Who<'a> {
    id: &'a SpiffeId,
    label: Option<&'a Label>,
    node: Option<&'a NodeEpoch>,
}

impl<'a> Who<'a> {
    fn own(own: &'a Own) -> Self {
        let content = &own.leaf.content;
        Self { id: &content.id, label: content.label.as_ref(), node: content.node.as_ref() }
    }

    fn peer(peer: &'a VerifiedPeer) -> Self {
        Self { id: peer.id(), label: peer.label(), node: peer.node_epoch() }
    }
}
