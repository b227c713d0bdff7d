//! How long a revoked node's tunnels still carried payload, measured on the wire.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use bulkhead_lab::capture::{Capture, Packet};

/// What a capture says about a revocation.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Tunnels of the node's pods that stood at the commit.
    pub tunnels: usize,
    /// From the commit to the last TCP segment with payload of any of them, in either direction, retransmissions
    /// included; zero when there was none after the commit.
    pub last_payload: Duration,
    /// Attempts to open a tunnel from or to the node's pods after the commit, listed apart: they are refused.
    pub later_attempts: usize,
    /// Segments with payload between the pods and the CA after the commit, listed apart: the end of Watch streams.
    pub with_the_ca: usize,
}

/// Looks at the tunnels from and to `pods` in a capture, for a revocation that the CA committed at `commit`.
pub fn measure(capture: &Capture, pods: &[IpAddr], commit: SystemTime) -> Measured {
    let (standing, later) = tunnels_of(capture, pods, commit);
    let belongs = |packet: &Packet| standing.iter().any(|tunnel| tunnel.has(packet));
    let last = capture.last_payload_segment_after(commit, belongs);
    let last_payload = last.map(|packet| packet.at.duration_since(commit).unwrap_or_default());
    Measured {
        tunnels: standing.len(),
        last_payload: last_payload.unwrap_or_default(),
        later_attempts: later,
        with_the_ca: capture
            .packets()
            .iter()
            .filter(|packet| packet.at > commit && is_with_the_ca(packet, pods))
            .count(),
    }
}

fn is_with_the_ca(packet: &Packet, pods: &[IpAddr]) -> bool {
    let ends = [(packet.from, packet.to), (packet.to, packet.from)];
    !packet.payload.is_empty() && ends.iter().any(|(pod, ca)| pods.contains(&pod.ip()) && ca.port() == CA)
}

/// A TCP connection, named by its client's and its server's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tunnel {
    client: std::net::SocketAddr,
    server: std::net::SocketAddr,
}

impl Tunnel {
    fn has(&self, packet: &Packet) -> bool {
        (packet.from == self.client && packet.to == self.server)
            || (packet.from == self.server && packet.to == self.client)
    }
}

fn tunnels_of(capture: &Capture, pods: &[IpAddr], commit: SystemTime) -> (Vec<Tunnel>, usize) {
    let (mut standing, mut later) = (Vec::new(), 0);
    for stream in capture.streams() {
        let ends = if stream.to.port() == TUNNEL { (stream.from, stream.to) } else { (stream.to, stream.from) };
        let tunnel = Tunnel { client: ends.0, server: ends.1 };
        let concerned = pods.contains(&tunnel.client.ip()) || pods.contains(&tunnel.server.ip());
        if tunnel.server.port() != TUNNEL || !concerned || standing.contains(&tunnel) {
            continue;
        }
        if stream.begun <= commit {
            standing.push(tunnel);
        } else if stream.to.port() == TUNNEL {
            later += 1;
        }
    }
    (standing, later)
}

const TUNNEL: u16 = 15_008;
const CA: u16 = 15_010;
