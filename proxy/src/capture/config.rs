//! What is captured and what is left alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use ipnet::IpNet;

/// What a ruleset is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureConfig {
    /// The proxy's own account. A connection is the proxy's only if both match.
    pub uid: u32,
    /// See `uid`.
    pub gid: u32,
    /// The proxy's own ports.
    pub ports: Ports,
    /// The addresses of the mesh (`mesh_cidrs` of the policy): there, only what the proxy carries may go.
    pub mesh: Vec<IpNet>,
    /// The name servers that may be asked directly, on UDP and TCP port 53.
    pub resolvers: Vec<IpAddr>,
    /// What is left alone.
    pub exclusions: Exclusions,
    /// A host's own network namespace: also leaves uid 0 and port 22 alone, so that the host can still be managed.
    pub host: bool,
}

/// The proxy's own ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Captured outbound connections arrive here, from the loopback device only.
    pub outbound: u16,
    /// Captured inbound connections arrive here.
    pub inbound: u16,
    /// Tunnels arrive here.
    pub tunnel: u16,
    /// Health and metrics of the proxy, on loopback only.
    pub admin: u16,
    /// Probes of the application, in clear and from anywhere; none where nobody asks here.
    pub probe: Option<u16>,
}

/// What is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    /// Destinations that applications reach directly.
    pub outbound: Vec<IpNet>,
    /// Destination ports that applications reach directly.
    pub outbound_ports: Vec<u16>,
    /// Ports of the workload that everybody reaches directly.
    pub inbound_ports: Vec<u16>,
}

impl CaptureConfig {
    /// The defaults: account 10101, the usual ports, no exclusion.
    pub fn new(mesh: Vec<IpNet>, resolvers: Vec<IpAddr>) -> Self {
        let exclusions = Exclusions::default();
        Self { uid: 10101, gid: 10101, ports: Ports::default(), mesh, resolvers, exclusions, host: false }
    }
}

impl Ports {
    /// All of them.
    pub fn all(self) -> impl Iterator<Item = u16> {
        self.at_the_workload().chain([self.admin])
    }

    /// Those that are no application's at the workload's own addresses: all but the admin port, which is on loopback
    /// only, so that there its number is free.
    pub fn at_the_workload(self) -> impl Iterator<Item = u16> {
        [self.outbound, self.inbound, self.tunnel].into_iter().chain(self.probe)
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self { outbound: 15001, inbound: 15006, tunnel: 15008, admin: 15021, probe: None }
    }
}

/// Where the proxy connects to in order to prove that it is captured. Reserved for documentation (RFC 5737, RFC 3849):
/// nobody is there, and if the redirection is missing, nobody answers.
pub(super) const CANARIES: [SocketAddr; 2] = [
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 101), CANARY_PORT)),
    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x101), CANARY_PORT, 0, 0)),
];
const CANARY_PORT: u16 = 15001;
