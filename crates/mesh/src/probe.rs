//! How an orchestrator asks a workload for its health, when the sidecar asks in its place.
//!
//! Whoever runs the workload (the kubelet) has no certificate, so a strict sidecar refuses its probes. The injector
//! points them at the sidecar instead and hands it this list; the sidecar asks the application what it was to be asked,
//! at the workload's own address.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The questions for one workload, each container and kind once; its form is a JSON array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Probe>", into = "Vec<Probe>")]
pub struct Probes(Vec<Probe>);

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Probe {
    /// The container that is asked for.
    pub container: ContainerName,
    /// On which occasion.
    pub kind: ProbeKind,
    /// What is asked.
    pub check: Check,
    /// Seconds within which the answer must come.
    pub timeout_seconds: NonZeroU32,
}

/// The name of a container: 1 to 63 of `a-z`, `0-9` and `-`, neither first nor last a `-` (RFC 1123).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName(Box<str>);

/// On which occasion the kubelet asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Until the container has started.
    Startup,
    /// Whether it must be restarted.
    Liveness,
    /// Whether it may get connections.
    Readiness,
    /// Told once, when it has started.
    PostStart,
    /// Told once, before it is stopped.
    PreStop,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Check {
    /// A GET, answered with a status from 200 to 399.
    Http(HttpCheck),
    /// A connection, accepted.
    Tcp {
        /// The port.
        port: NonZeroU16,
    },
    /// `grpc.health.v1.Health/Check`, answered with `SERVING`.
    Grpc {
        /// The port.
        port: NonZeroU16,
        /// The service that is asked for; empty is the server itself.
        #[serde(default)]
        service: String,
    },
}

/// A GET.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// Whether it is asked over TLS.
    #[serde(default)]
    pub scheme: Scheme,
    /// The port.
    pub port: NonZeroU16,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Headers beside the usual ones, in this order; a name may stand several times.
    #[serde(default)]
    pub headers: Vec<Header>,
}

/// How a GET is carried. The certificate of the application is not verified over [`Scheme::Https`], as the kubelet
/// does not verify it: the connection does not leave the workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Scheme {
    /// In clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

/// A header of a GET.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why a list of probes is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbesError {
    /// The sidecar would not know which one is meant.
    #[error("the {kind} {} of container `{container}` stands twice", .kind.noun())]
    Twice {
        /// The container.
        container: ContainerName,
        /// The occasion.
        kind: ProbeKind,
    },
    /// What is asked for is no path.
    #[error("the {kind} {} of container `{container}` asks for `{path}`, which does not begin with `/`", .kind.noun())]
    Path {
        /// The container.
        container: ContainerName,
        /// The occasion.
        kind: ProbeKind,
        /// What stands there.
        path: String,
    },
    /// More than a pod can sensibly have.
    #[error("{count} probes are more than {max}", max = Probes::MAX)]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// Why a text is not the name of a container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no name of a container: 1 to 63 of a-z, 0-9 and `-`, neither first nor last a `-`")]
pub struct ParseContainerNameError {
    text: String,
}

/// Why a text is not an occasion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of startup, liveness, readiness, post-start, pre-stop")]
pub struct ParseProbeKindError {
    text: String,
}

impl Probes {
    /// More than this are refused.
    pub const MAX: usize = 512;

    /// These probes, if none stands twice and each can be asked.
    pub fn new(probes: Vec<Probe>) -> Result<Self, ProbesError> {
        if probes.len() > Self::MAX {
            return Err(ProbesError::TooMany { count: probes.len() });
        }
        for (position, Probe { container, kind, check, .. }) in probes.iter().enumerate() {
            if let Check::Http(HttpCheck { path, .. }) = check
                && !path.starts_with('/')
            {
                return Err(ProbesError::Path { container: container.clone(), kind: *kind, path: path.clone() });
            }
            if probes[..position].iter().any(|other| other.container == *container && other.kind == *kind) {
                return Err(ProbesError::Twice { container: container.clone(), kind: *kind });
            }
        }
        Ok(Self(probes))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Probe> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of this container on this occasion.
    pub fn find(&self, container: &ContainerName, kind: ProbeKind) -> Option<&Probe> {
        self.iter().find(|probe| probe.container == *container && probe.kind == kind)
    }
}

impl TryFrom<Vec<Probe>> for Probes {
    type Error = ProbesError;

    fn try_from(probes: Vec<Probe>) -> Result<Self, Self::Error> {
        Self::new(probes)
    }
}

impl From<Probes> for Vec<Probe> {
    fn from(Probes(probes): Probes) -> Self {
        probes
    }
}

impl Probe {
    /// The port of the sidecar on which it is asked in the application's place.
    pub const PORT: u16 = 15020;
    /// Ports that are the sidecar's, and so no application's: those that it uses and room for more.
    pub const RESERVED: RangeInclusive<u16> = 15_000..=15_099;

    /// The path under which the sidecar is asked, as `/probe/app/liveness`.
    pub fn path(&self) -> String {
        format!("{PREFIX}{}/{}", self.container, self.kind)
    }

    /// How long the answer may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get().into())
    }
}

/// The container and the occasion in a path that [`Probe::path`] made; none in any other.
pub fn read_path(path: &str) -> Option<(ContainerName, ProbeKind)> {
    let (container, kind) = path.strip_prefix(PREFIX)?.split_once('/')?;
    Some((container.parse().ok()?, kind.parse().ok()?))
}

impl ContainerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContainerName {
    type Err = ParseContainerNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let ends = !text.starts_with('-') && !text.ends_with('-');
        if (1..=63).contains(&text.len()) && text.bytes().all(inner) && ends {
            Ok(Self(text.into()))
        } else {
            Err(ParseContainerNameError { text: text.into() })
        }
    }
}

crate::name::text::serde_by_text!(ContainerName);

impl ProbeKind {
    /// Every occasion, with the word for it.
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Startup, "startup"),
        (Self::Liveness, "liveness"),
        (Self::Readiness, "readiness"),
        (Self::PostStart, "post-start"),
        (Self::PreStop, "pre-stop"),
    ];

    /// Whether the kubelet does not ask but tells, once.
    pub const fn is_hook(self) -> bool {
        matches!(self, Self::PostStart | Self::PreStop)
    }

    /// What Kubernetes calls it: a probe or a hook.
    pub const fn noun(self) -> &'static str {
        if self.is_hook() { "hook" } else { "probe" }
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}

impl FromStr for ProbeKind {
    type Err = ParseProbeKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::WORDS.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind);
        found.ok_or_else(|| ParseProbeKindError { text: text.into() })
    }
}

impl Check {
    /// The port that is asked.
    pub fn port(&self) -> u16 {
        match self {
            Self::Http(HttpCheck { port, .. }) | Self::Tcp { port } | Self::Grpc { port, .. } => port.get(),
        }
    }
}

const PREFIX: &str = "/probe/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let text = concat!(
            r#"[{"container":"app","kind":"liveness","check":{"http":{"scheme":"HTTPS","port":8443,"path":"/ok?deep=1","#,
            r#""headers":[{"name":"Host","value":"shop"}]}},"timeoutSeconds":3},"#,
            r#"{"container":"app","kind":"pre-stop","check":{"tcp":{"port":1}},"timeoutSeconds":1},"#,
            r#"{"container":"db","kind":"startup","check":{"grpc":{"port":9000,"service":"db"}},"timeoutSeconds":1}]"#,
        );
        let probes: Probes = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&probes).unwrap(), text);
        let db = "db".parse().unwrap();
        assert_eq!(probes.find(&db, ProbeKind::Startup).unwrap().check.port(), 9000);
        assert_eq!(probes.find(&db, ProbeKind::Liveness), None);
    }

    #[test]
    fn what_is_no_list_is_refused_with_a_sentence() {
        let one = |container: &str, check: &str| {
            format!(r#"{{"container":"{container}","kind":"liveness","check":{check},"timeoutSeconds":1}}"#)
        };
        let tcp = r#"{"tcp":{"port":1}}"#;
        for (probes, expected) in [
            (vec![one("app", tcp), one("app", tcp)], "the liveness probe of container `app` stands twice"),
            (vec![one("App", tcp)], "`App` is no name of a container"),
            (vec![one("app", r#"{"tcp":{"port":0}}"#)], "nonzero u16"),
            (vec![one("app", r#"{"exec":{}}"#)], "unknown variant `exec`"),
            (vec![one("app", r#"{"http":{"port":1,"path":"/","host":"x"}}"#)], "unknown field `host`"),
            (vec![one("app", r#"{"http":{"port":1,"path":"ok"}}"#)], "asks for `ok`, which does not begin with `/`"),
            (vec![one("app", tcp).replace("liveness", "lively")], "unknown variant `lively`"),
            (vec![one("app", tcp).replace(r#"Seconds":1"#, r#"Seconds":0"#)], "nonzero u32"),
        ] {
            let error = serde_json::from_str::<Probes>(&format!("[{}]", probes.join(","))).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let many = (0..=Probes::MAX).map(|number| one(&format!("c{number}"), tcp)).collect::<Vec<_>>().join(",");
        assert!(serde_json::from_str::<Probes>(&format!("[{many}]")).unwrap_err().to_string().contains("513 probes"));
    }

    #[test]
    fn a_path_says_whom_to_ask() {
        for (kind, word) in ProbeKind::WORDS {
            let check = Check::Tcp { port: NonZeroU16::MIN };
            let container = "a-1".parse::<ContainerName>().unwrap();
            let probe = Probe { container: container.clone(), kind, check, timeout_seconds: NonZeroU32::MIN };
            assert_eq!(probe.path(), format!("/probe/a-1/{word}"));
            assert_eq!(read_path(&probe.path()), Some((container, kind)));
        }
        for path in
            ["/probe/", "/probe/a", "/probe/a/", "/probe/a/b", "/probe/A/liveness", "/live", "/probe/a/liveness/"]
        {
            assert_eq!(read_path(path), None, "{path}");
        }
    }
}
