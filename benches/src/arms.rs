//! Every arm there is, and how `ARMS=` chooses among them.
//!
//! Bulkhead's own is made elsewhere; here are those with which it is compared. Each is a way from a client's pod to a
//! server's that is captured likewise, with as many threads, on the same kernel's parameters and with the same kind of
//! certificates.

pub mod given;
pub mod pods;

mod capture;
mod direct;
mod envoy;
mod haproxy;
mod nginx;
mod pair;
mod processes;
mod programs;
mod relay;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use bulkhead_lab::{Host, Lab, binaries};
use nix::sys::resource::{Resource, getrlimit};

pub use pods::ends;

use crate::arm::{Arm, ArmName};
use crate::certificates::Certificates;
use given::Given;

/// Which arms are to run, apart from the compared one, which always does.
pub struct Choice {
    kinds: Vec<Kind>,
    /// One line for each arm that was asked for and cannot be here.
    pub warnings: Vec<String>,
}

/// What arms are built on.
pub struct Ground<'a> {
    /// The network.
    pub lab: &'a Lab,
    /// Where the clients' pods are made.
    pub one: &'a Host,
    /// Where the servers' pods are made.
    pub two: &'a Host,
    /// Who the proxies are.
    pub certificates: &'a Certificates,
}

/// Reads the text of `ARMS=`, names with commas or spaces between, and the files that describe other proxies. A path
/// without either may also stand among the names; a text without names is every arm.
///
/// # Errors
/// An unknown name, with the known ones; a file that cannot be read.
pub fn choose(names: &str, files: &[PathBuf]) -> Result<Choice> {
    let mut words: Vec<&str> = names.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        words = NAMES.to_vec();
    }
    let mut choice = Choice { kinds: Vec::new(), warnings: Vec::new() };
    for word in words.into_iter().filter(|word| *word != ArmName::BULKHEAD) {
        match Kind::find(word)? {
            Found::Here(kind) => choice.add(kind),
            Found::Missing(what) => choice.warnings.push(format!("{word} is left out: {what}")),
        }
    }
    for file in files {
        choice.add(Kind::given(file)?);
    }
    Ok(choice)
}

impl Choice {
    /// A name counts once.
    fn add(&mut self, kind: Kind) {
        if self.kinds.iter().all(|other| other.name() != kind.name()) {
            self.kinds.push(kind);
        }
    }

    /// Their names.
    pub fn names(&self) -> Vec<ArmName> {
        self.kinds.iter().map(Kind::name).collect()
    }

    /// Makes their pods, captures their traffic and writes their configurations; no proxy runs yet.
    pub fn build(&self, ground: &Ground<'_>) -> Result<Vec<Box<dyn Arm>>> {
        let build = |kind: &Kind| kind.build(ground).with_context(|| format!("cannot build the arm {}", kind.name()));
        self.kinds.iter().map(build).collect()
    }
}

/// An arm that can be built on this machine.
enum Kind {
    Direct,
    Relay(PathBuf),
    Haproxy(PathBuf),
    Nginx(nginx::Nginx),
    Envoy(envoy::Way, PathBuf),
    Given(Box<Given>),
}

enum Found {
    Here(Kind),
    Missing(&'static str),
}

impl Kind {
    fn find(word: &str) -> Result<Found> {
        let found = match word {
            "none" => Some(Self::Direct),
            "relay" => Some(Self::Relay(binaries::find_example("relay")?)),
            "haproxy" => programs::find("haproxy").map(Self::Haproxy),
            "nginx" => nginx::Nginx::find().map(Self::Nginx),
            "envoy-tls" => envoy::find().map(|program| Self::Envoy(envoy::Way::Tls, program)),
            "envoy-connect" => envoy::find().map(|program| Self::Envoy(envoy::Way::Connect, program)),
            path if is_path(path) => Some(Self::given(Path::new(path))?),
            _ => bail!("there is no arm `{word}`; there are {}, and files such as ./my-proxy.yaml", NAMES.join(", ")),
        };
        Ok(found.map_or_else(|| Found::Missing(what_is_missing(word)), Found::Here))
    }

    fn given(file: &Path) -> Result<Self> {
        Ok(Self::Given(Box::new(Given::read(file)?)))
    }

    fn name(&self) -> ArmName {
        let name = match self {
            Self::Direct => "none",
            Self::Relay(_) => "relay",
            Self::Haproxy(_) => "haproxy",
            Self::Nginx(_) => "nginx",
            Self::Envoy(envoy::Way::Tls, _) => "envoy-tls",
            Self::Envoy(envoy::Way::Connect, _) => "envoy-connect",
            Self::Given(given) => given.name(),
        };
        ArmName(name.to_owned())
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn Arm>> {
        let name = self.name();
        Ok(match self {
            Self::Direct => Box::new(direct::Direct::new(name, ground)?),
            Self::Relay(program) => Box::new(relay::pair(name, program, ground)?),
            Self::Haproxy(program) => Box::new(haproxy::pair(name, program, ground)?),
            Self::Nginx(nginx) => Box::new(nginx.pair(name, ground)?),
            Self::Envoy(way, program) => Box::new(envoy::pair(name, *way, program, ground)?),
            Self::Given(given) => Box::new(given.pair(name, ground)?),
        })
    }
}

fn is_path(word: &str) -> bool {
    let yaml = Path::new(word).extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    yaml || word.contains('/')
}

fn what_is_missing(name: &str) -> &'static str {
    match name {
        "haproxy" => "there is no `haproxy` here; `ci/peers` installs it",
        "nginx" => "there is no `nginx` with the stream module here; `ci/peers` installs both",
        _ => "there is no Envoy that runs here; `ci/peers` installs one, or BULKHEAD_BENCH_ENVOY names one",
    }
}

/// How many connections a proxy must be able to carry: those of the largest row and some more, but not more than the
/// descriptors that it may open, two for each.
fn connections() -> u64 {
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard);
    CONNECTIONS.min(descriptors.saturating_sub(SPARE) / 2)
}

/// Every name, in the order of the table.
pub const NAMES: [&str; 7] = ["none", "relay", "haproxy", "nginx", "envoy-tls", "envoy-connect", ArmName::BULKHEAD];
/// Where the application listens, on its pod's address.
pub const APPLICATION_PORT: u16 = 8080;
/// Where captured connections arrive at the client's proxy.
pub const OUTBOUND_PORT: u16 = 15001;
/// Where the client's proxy finds the server's.
pub const BETWEEN_PORT: u16 = 15008;
/// The uid and gid of every proxy, whose connections are not captured.
pub const SIDECAR: u32 = 10_101;
/// The uid and gid of the application and of its clients.
pub const APPLICATION: u32 = 2000;

const CONNECTIONS: u64 = 12_000;
const SPARE: u64 = 200;
const AES_256: &str = "TLS_AES_256_GCM_SHA384";
const AES_128: &str = "TLS_AES_128_GCM_SHA256";
const X25519: &str = "X25519";
const X25519_MLKEM768: &str = "X25519MLKEM768";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = choose("none,haprxy", &[]).err().unwrap().to_string();
        assert!(error.contains("`haprxy`") && error.contains("envoy-connect"), "{error}");
    }

    #[test]
    fn the_compared_one_needs_no_name_and_a_name_counts_once() {
        let choice = choose(" none, bulkhead none", &[]).unwrap();
        assert_eq!(choice.names(), [ArmName("none".to_owned())]);
        assert!(choice.warnings.is_empty());
    }

    #[test]
    fn files_are_arms_beside_the_names_and_may_have_spaces_in_their_paths() {
        let directory = tempfile::tempdir().unwrap();
        let file = |path: &str, name: &str| {
            let path = directory.path().join(path);
            let text = include_str!("../../docs/bench-arm-example.yaml").replace("[haproxy, ", "[sh, ");
            std::fs::write(&path, text.replace("name: my-haproxy", &format!("name: {name}"))).unwrap();
            path
        };
        let (one, two) = (file("my.yaml", "mine"), file("an arm, theirs.conf", "theirs"));
        let choice = choose(&format!("none,{}", one.display()), &[two, one]).unwrap();
        assert_eq!(choice.names(), ["none", "mine", "theirs"].map(|name| ArmName(name.to_owned())));
    }
}
