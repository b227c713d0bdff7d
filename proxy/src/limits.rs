//! What the proxy lets others make it hold or wait for: every number has a default and a flag.

use std::time::Duration;

use crate::tunnel::TunnelLimits;

/// The limits of one proxy.
#[derive(Clone, Debug)]
pub struct ProxyLimits {
    /// How long a peer may take for its TLS handshake; default 5 s.
    pub handshake: Duration,
    /// How long a connection may take from its capture to the server's answer, and at the server's side to the
    /// application's; default 10 s, as ztunnel.
    pub connect: Duration,
    /// Handshakes that peers may have under way here; default 256. Strangers can use them up, but not the places of
    /// tunnels, and each only for as long as a handshake may take.
    pub handshakes: usize,
    /// Tunnels that peers may have open here; default 4096.
    pub tunnels_accepted: usize,
    /// Peers to which tunnels may be open at a time; default 1024. The longest idle one gives way.
    pub peers: usize,
    /// Tunnels to one peer; default 64, so 6,400 connections at 100 per tunnel.
    pub tunnels_per_peer: usize,
    /// After how long without a connection a tunnel is closed; default 5 min, as ztunnel.
    pub idle: Duration,
    /// Probes for which the application may be asked at a time; default 32, more than a pod has. Twice as many
    /// connections to the probe port may be open. One takes at most as long as its own timeout.
    pub probes: usize,
    /// How long connections may go on when the proxy is told to end; default 5 s, as ztunnel.
    pub grace: Duration,
    /// Each tunnel by itself.
    pub tunnel: TunnelLimits,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            handshakes: 256,
            tunnels_accepted: 4096,
            peers: 1024,
            tunnels_per_peer: 64,
            idle: Duration::from_mins(5),
            probes: 32,
            grace: Duration::from_secs(5),
            tunnel: TunnelLimits::default(),
        }
    }
}
