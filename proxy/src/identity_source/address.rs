//! The address of a Workload API, as the SPIFFE Workload Endpoint (section 4) writes it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A Unix socket, written `unix:///run/bulkhead/agent/api.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAddress(PathBuf);

impl AgentAddress {
    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for AgentAddress {
    type Err = ParseAgentAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("unix://").filter(|path| path.starts_with('/') && path.len() > 1);
        let plain = path.filter(|path| !path.contains(['?', '#', '%', '\0']));
        plain.map(|path| Self(path.into())).ok_or_else(|| ParseAgentAddressError { text: text.into() })
    }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.0.display())
    }
}

/// Why a text is not the address of an agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a Unix socket such as `unix:///run/bulkhead/agent/api.sock`")]
pub struct ParseAgentAddressError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absolute_path_is_an_address() {
        let text = "unix:///run/bulkhead/agent/api.sock";
        let address: AgentAddress = text.parse().unwrap();
        assert_eq!((address.path(), address.to_string().as_str()), (Path::new("/run/bulkhead/agent/api.sock"), text));
        for text in [
            "",
            "/run/api.sock",
            "unix:/run/api.sock",
            "unix://run/api.sock",
            "unix:///",
            "tcp://127.0.0.1:1",
            "unix:///a?b",
        ] {
            assert!(text.parse::<AgentAddress>().is_err(), "{text:?} was accepted");
        }
    }
}
