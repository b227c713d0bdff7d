//! Families of rows, as `WORK=` takes them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result};

/// A family of rows: one kind of work, or one question about Bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Bytes in one direction.
    Bulk,
    /// 128 bytes there and back.
    PingPong,
    /// Connect, one round trip, close.
    Connect,
    /// Full handshakes with the server's proxy.
    Handshake,
    /// HTTP/1.1 at constant rates.
    Http,
    /// gRPC at constant rates.
    Grpc,
    /// Memory of the proxies.
    Memory,
    /// From the start of the proxies to the first answer.
    Ready,
    /// Bulkhead with many rules.
    Rules,
    /// Bulkhead with many cutoffs.
    Cutoffs,
    /// How fast a revocation reaches many proxies.
    Revocation,
    /// Where Bulkhead's cycles go.
    Profile,
}

impl Family {
    /// Every family, in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Bulk,
        Self::PingPong,
        Self::Connect,
        Self::Handshake,
        Self::Http,
        Self::Grpc,
        Self::Memory,
        Self::Ready,
        Self::Rules,
        Self::Cutoffs,
        Self::Revocation,
        Self::Profile,
    ];

    /// Its name, as `WORK=` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::PingPong => "ping-pong",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Memory => "memory",
            Self::Ready => "ready",
            Self::Rules => "rules",
            Self::Cutoffs => "cutoffs",
            Self::Revocation => "revocation",
            Self::Profile => "profile",
        }
    }

    /// Whether only Bulkhead can be asked this.
    pub const fn is_of_bulkhead_alone(self) -> bool {
        matches!(self, Self::Rules | Self::Cutoffs | Self::Revocation | Self::Profile)
    }
}

impl FromStr for Family {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|family| family.name() == text);
        found.with_context(|| format!("there is no work `{text}`; there is: {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_found_by_its_name() {
        for family in Family::ALL {
            assert_eq!(family.name().parse::<Family>().unwrap(), family);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_there_are() {
        let error = "bulky".parse::<Family>().unwrap_err().to_string();
        assert!(error.starts_with("there is no work `bulky`; there is: bulk, ping-pong, "), "{error}");
        assert!(error.ends_with("revocation, profile"), "{error}");
    }
}
