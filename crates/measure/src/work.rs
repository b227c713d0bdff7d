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
    /// Connect, one round trip of 128 bytes, close, straight to the server's proxy and each on a TLS connection of its
    /// own: a full handshake each, nothing pooled and nothing resumed.
    Handshake {
        /// How many at a time.
        parallel: u32,
    },
    /// HTTP/1.1 requests on kept connections.
    Http {
        /// How many connections.
        connections: u32,
        /// When the next request is sent; a rate is that of all connections together.
        pace: Pace,
    },
    /// Unary gRPC calls on kept HTTP/2 connections, several at a time in each.
    Grpc {
        /// How many connections.
        connections: u32,
        /// When the next call is sent; a rate is that of all connections together.
        pace: Pace,
    },
    /// Connections that have done one round trip and then nothing, held until the generator is told to end.
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

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// Each when the one before it was answered (closed loop). This finds the capacity; it says nothing of latency, for
    /// a slow answer also delays the requests that would have seen it.
    AsFastAsAnswered,
    /// So many a second at constant distances, whether earlier ones were answered or not (open loop). Latency counts
    /// from the moment at which a request should have been sent.
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
    /// How long to do it before the clocks are first read; nothing of it is in the sample.
    pub warm_up: Duration,
    /// How long to do it from the first reading of the clocks to the second.
    pub measured: Duration,
    /// The ids of the processes whose processor time is read at both ends of the measured time.
    pub watch: Vec<u32>,
    /// How to speak to the server's proxy itself; there for [`Work::Handshake`], and for nothing else.
    pub cold: Option<Cold>,
}

/// How a client speaks TLS with a server's proxy without a proxy of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cold {
    /// What goes through TLS.
    pub dialect: Dialect,
    /// A PEM file with the client's key and its chain, the leaf first.
    pub identity: PathBuf,
    /// A PEM file with the roots, in one of which the server's chain must end.
    pub roots: PathBuf,
    /// The service behind the proxy, for [`Dialect::Tunnel`].
    pub authority: SocketAddr,
}

/// What goes through the TLS connection to a server's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The application's bytes, as they are.
    Stream,
    /// HTTP/2 with one CONNECT to the service, and in its stream the application's bytes.
    Tunnel,
}
