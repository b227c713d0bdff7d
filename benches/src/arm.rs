//! One way from a client's pod to a server's: nothing, a relay, or a pair of proxies.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use anyhow::Result;
use bulkhead_lab::Host;
use bulkhead_measure::work::Cold;
use serde::{Deserialize, Serialize};

/// An arm's name, as `ARMS=` takes it and the table prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArmName(pub String);

/// One way from a client to a server. It keeps its pods from the first run to the last; its proxies can be restarted.
pub trait Arm {
    /// What it is called.
    fn name(&self) -> &ArmName;
    /// What it consists of, for the result.
    fn about(&self) -> &About;
    /// Where the client and the server run, and where the client finds the server.
    fn ends(&self) -> &Ends;
    /// Starts the proxies; they may not be ready yet when it returns. An arm without proxies does nothing.
    fn start(&mut self) -> Result<()>;
    /// Ends the proxies, and returns when they are gone.
    fn stop(&mut self) -> Result<()>;
    /// The processes that are the proxies now, with their children.
    fn processes(&self) -> Result<Vec<ProxyProcess>>;
    /// How a client without a proxy speaks to the server's proxy, and where; none where there is no TLS. In the client's
    /// pod it has to run as the proxies' user, whose traffic is not captured.
    fn cold(&self) -> Result<Option<(SocketAddr, Cold)>>;
    /// What the proxies have logged, for an error's text.
    fn log(&self) -> String;
}

/// The two pods of an arm.
#[derive(Clone)]
pub struct Ends {
    /// Where the load generator runs.
    pub client: Host,
    /// Where the application runs.
    pub server: Host,
    /// Where the client finds the application: the server's pod, port 8080.
    pub service: SocketAddr,
}

/// A process of one of the two proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyProcess {
    /// At which end it stands.
    pub end: End,
    /// Its process id.
    pub pid: u32,
}

/// One of the two ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Beside the client.
    Client,
    /// Beside the server.
    Server,
}

/// What an arm consists of, in the words of the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// One sentence for the reader of the table.
    pub summary: String,
    /// What its programs print as their versions.
    pub versions: BTreeMap<String, String>,
    /// Its configuration files and command lines, whole, by name; keys and certificates left out.
    pub configuration: BTreeMap<String, String>,
    /// What it must do to the bytes, as each run proves.
    pub protection: Protection,
    /// Whether several connections share one TLS connection.
    pub pooled: bool,
    /// The key exchange of its handshakes, e.g. `X25519MLKEM768`; none without TLS.
    pub key_exchange: Option<String>,
    /// The cipher suite of its connections, e.g. `TLS_AES_256_GCM_SHA384`; none without TLS.
    pub cipher_suite: Option<String>,
}

/// What an arm does to the bytes between the two pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Nothing: the client speaks to the server's port, legibly.
    None,
    /// Captured and relayed, still legible.
    Relayed,
    /// Captured, encrypted, both sides authenticated.
    MutualTls,
}

impl ArmName {
    /// What the arm is called that all are compared with.
    pub const BULKHEAD: &'static str = "bulkhead";

    /// The arm that all are compared with.
    pub fn bulkhead() -> Self {
        Self(Self::BULKHEAD.to_owned())
    }

    /// Whether it is the arm that all are compared with, as it is, without a setting.
    pub fn is_bulkhead(&self) -> bool {
        self.0 == Self::BULKHEAD
    }

    /// Whether it is a setting of Bulkhead, as `bulkhead@rules-100`, which stands only while its rows are measured.
    pub fn is_setting(&self) -> bool {
        self.setting().is_some()
    }

    /// The setting in a name such as `bulkhead@rules-100`: `rules-100`.
    pub fn setting(&self) -> Option<&str> {
        self.0.strip_prefix(Self::BULKHEAD)?.strip_prefix('@')
    }
}

impl fmt::Display for ArmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_bulkheads_alone() {
        for (name, is_bulkhead, setting) in [
            ("bulkhead", true, None),
            ("bulkhead@rules-100", false, Some("rules-100")),
            ("bulkheads", false, None),
            ("nginx@rules-100", false, None),
        ] {
            let arm = ArmName(name.to_owned());
            assert_eq!((arm.is_bulkhead(), arm.setting(), arm.is_setting()), (is_bulkhead, setting, setting.is_some()));
        }
    }
}
