//! What the injector is told, checked.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_cluster::injection::Settings;
use rcgen::SanType;

use super::error::InjectorError;

/// Everything that it is told.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What pods get.
    pub(crate) settings: Settings,
    /// Where the API server asks.
    pub(crate) listen: SocketAddr,
    /// The admin port.
    pub(crate) admin: SocketAddr,
    /// Namespaces of the cluster's and the mesh's own.
    pub(crate) never_injected: BTreeSet<String>,
    /// What a question may cost.
    pub(crate) limits: Limits,
    /// How long the same Event is not written again.
    pub(crate) event_pause: Duration,
    /// Its certificate.
    pub(crate) certificate: CertificateConfig,
}

/// What whoever reaches the port may take, since nobody shows a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest question.
    pub(crate) request_bytes: usize,
    /// The most values in one: a text takes up to a hundred times its size once it is parsed.
    pub(crate) request_values: usize,
    /// Questions that are worked on at a time.
    pub(crate) requests: usize,
    /// Open connections.
    pub(crate) connections: usize,
    /// For a handshake.
    pub(crate) handshake: Duration,
    /// For a question, from its first byte to the answer's last.
    pub(crate) request: Duration,
    /// For which it goes on answering when told to end.
    pub(crate) drain: Duration,
}

/// Where its certificate lies, for whom it is, and how long it lives.
#[derive(Clone, Debug)]
pub(crate) struct CertificateConfig {
    /// The MutatingWebhookConfiguration.
    pub(crate) configuration: String,
    /// The Secret.
    pub(crate) secret: String,
    /// The Secret's namespace.
    pub(crate) namespace: String,
    /// Under which names the API server asks.
    pub(crate) names: Names,
    /// From its making to its end.
    pub(crate) lifetime: Duration,
    /// From the making of the next to its end.
    pub(crate) renewal: Duration,
    /// From the publication of its CA to its use.
    pub(crate) settle: Duration,
    /// From one look to the next.
    pub(crate) check: Duration,
}

/// Names and addresses that can stand in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names(Vec<(String, SanType)>);

impl Names {
    /// Checks them.
    pub(crate) fn new(names: Vec<String>) -> Result<Self, InjectorError> {
        let read = |name: String| match name.parse() {
            Ok(address) => Ok((name, SanType::IpAddress(address))),
            Err(_) => match name.as_str().try_into() {
                Ok(text) => Ok((name, SanType::DnsName(text))),
                Err(_) => Err(InjectorError::ServingName { name }),
            },
        };
        names.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// As they stand in a certificate.
    pub(crate) fn alternatives(&self) -> Vec<SanType> {
        self.0.iter().map(|(_, name)| name.clone()).collect()
    }

    /// As they were written.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, _)| text.as_str())
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().collect::<Vec<_>>().join(", "))
    }
}
