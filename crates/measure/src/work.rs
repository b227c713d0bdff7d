//! What a load generator is told to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    /// Bytes in one direction, as many as go through.
    Bulk {
        /// Which way.
        direction: Direction,
        /// Over how many connections at a time.
        connections: u32,
    },
    /// 128 bytes there, 128 bytes back, and again, on each connection.
    PingPong {
        /// How many connections, each with one round trip at a time.
        connections: u32,
    },
    /// Connect, one round trip of 128 bytes, close.
    Connect {
        /// How many at a time.
        parallel: u32,
    },
    /// The same, but straight to the server's proxy and never on a connection that stands: a full handshake each.
    Handshake {
        /// How many at a time.
        parallel: u32,
    },
    /// HTTP/1.1 requests on kept connections.
    Http {
        /// How many connections.
        connections: u32,
        /// How many requests.
        pace: Pace,
    },
    /// Unary gRPC calls, all in one HTTP/2 connection for each of `connections`.
    Grpc {
        /// How many connections.
        connections: u32,
        /// How many calls.
        pace: Pace,
    },
    /// Connections that have done one round trip and then nothing.
    Idle {
        /// How many.
        connections: u32,
    },
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How fast requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// The next when the one before was answered (closed loop): finds the capacity, says nothing of latency.
    AsFastAsAnswered,
    /// So many a second at constant distances, whatever becomes of them (open loop); latency counts from the moment at
    /// which a request should have been sent.
    PerSecond(u32),
}

/// One run of a load generator, as its program takes it: a JSON argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What to do.
    pub work: Work,
    /// To whom: the service; for [`Work::Handshake`] the server's proxy.
    pub target: SocketAddr,
    /// How long to do it before the clocks are read.
    pub warm_up: Duration,
    /// How long to do it between the two readings of the clocks.
    pub measured: Duration,
    /// Processes whose processor time is read at both ends of the measured time, by process id.
    pub watch: Vec<u32>,
    /// How to speak to the server's proxy itself; only for [`Work::Handshake`].
    pub cold: Option<Cold>,
}

/// How a client speaks TLS with a server's proxy without a proxy of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cold {
    /// What goes through TLS.
    pub dialect: Dialect,
    /// A PEM file with the client's key and its chain.
    pub identity: PathBuf,
    /// A PEM file with what the server's chain must end in.
    pub roots: PathBuf,
    /// The service behind the proxy, for [`Dialect::Tunnel`].
    pub authority: SocketAddr,
}

/// What goes through the TLS connection to a server's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The application's bytes.
    Stream,
    /// HTTP/2 with a CONNECT to the service.
    Tunnel,
}
