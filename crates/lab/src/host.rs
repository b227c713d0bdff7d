//! A host or a pod: its own network and mount namespace, at a place on the bridge.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use crate::address::Place;
use crate::command::HostCommand;
use crate::error::LabError;
use crate::lab::{Parts, take_number};
use crate::namespace::Namespace;
use crate::{rights, tool, wire};

/// A host of a lab, or a pod on one; a clone is the same host. It has addresses, a default route and a /run to itself.
#[derive(Clone)]
pub struct Host {
    parts: Arc<Parts>,
    name: String,
    namespace: Arc<Namespace>,
    place: Place,
    pods: Arc<AtomicU8>,
}

impl Host {
    pub(crate) fn join(parts: Arc<Parts>, name: &str, place: Place, node: Option<&Self>) -> Result<Self, LabError> {
        let namespace = Arc::new(Namespace::new(name, node.map(|node| &*node.namespace))?);
        parts.adopt(&namespace);
        wire::join(&parts.switch, &namespace, place)?;
        Ok(Self { parts, name: name.to_owned(), namespace, place, pods: Arc::new(AtomicU8::new(1)) })
    }

    /// A new pod on this host: namespaces and addresses of its own. Its name is `host/name`.
    pub fn pod(&self, name: &str) -> Result<Self, LabError> {
        let name = format!("{}/{name}", self.name);
        let seat = take_number(&self.pods, &name)?;
        Self::join(Arc::clone(&self.parts), &name, Place { node: self.place.node, seat }, Some(self))
    }

    /// The name it was made with; a pod's follows its host's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its IPv4 address, in 10.77.0.0/16.
    pub fn ipv4(&self) -> Ipv4Addr {
        self.place.ipv4()
    }

    /// Its IPv6 address, in fd77::/64.
    pub fn ipv6(&self) -> Ipv6Addr {
        self.place.ipv6()
    }

    /// The process that holds its namespaces, for programs that take a `/proc/<pid>/ns/net`.
    pub fn pid(&self) -> u32 {
        self.namespace.pid()
    }

    /// What to type in another terminal of the machine to get a shell in here.
    pub fn how_to_enter(&self) -> String {
        // Into a user namespace one has to enter from outside; to enter the machine's own, where one is, is an error.
        let user = if rights::are_those_of_the_machine() { "" } else { "--user --preserve-credentials " };
        format!("nsenter --target {} {user}--net --mount", self.pid())
    }

    /// A program that is to run here.
    pub fn command(&self, program: impl Into<String>) -> HostCommand {
        HostCommand::new(Arc::clone(&self.namespace), self.parts.logs.clone(), program)
    }

    /// Does `work` on a thread of its own in this host's network namespace. A socket made there stays there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        self.namespace.inside(work)
    }

    /// Makes a directory of the node visible at `target` in this pod, and in no other.
    ///
    /// A `source` under /run is the node's (each host and pod has a /run of its own); any other is the machine's.
    /// The `target` is under /run, made if it is missing.
    pub fn bind(&self, source: &Path, target: &Path) -> Result<(), LabError> {
        if !target.starts_with(RUN) || target == Path::new(RUN) {
            return Err(LabError::BindOutsideRun { target: target.to_owned() });
        }
        let mut command = self.namespace.enter();
        // Not canonicalised: the way to the node's /run leads through a descriptor of the anchor, and the path that
        // this descriptor seems to point at is the pod's own /run.
        command.args(["sh", "-c", r#"mkdir -p "$2" && mount --no-canonicalize --bind "$1" "$2""#, "bind"]);
        command.arg(self.as_seen_from_pod(source)).arg(target);
        tool::run(command, "").map(drop)
    }

    /// Sets a kernel parameter of its network namespace, e.g. `net.ipv4.tcp_retries2`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), LabError> {
        let path = PathBuf::from("/proc/sys").join(name.replace('.', "/"));
        let written = self.inside(|| std::fs::write(&path, value))?;
        written.map_err(|source| LabError::File { action: "write", path, source })
    }

    /// Unplugs it: whatever it sends is lost and nothing reaches it, without any answer. Its pods have their own cables.
    pub fn cut(&self) -> Result<(), LabError> {
        self.parts.faults.cut(&self.parts.switch, &self.place.port())
    }

    /// Loses what it and `other` send each other; the rest goes on.
    pub fn cut_from(&self, other: &Self) -> Result<(), LabError> {
        self.parts.faults.cut_between(&self.parts.switch, &self.place.port(), &other.place.port())
    }

    /// Undoes every cut of this host, also those that were made from the other side.
    pub fn heal(&self) -> Result<(), LabError> {
        self.parts.faults.heal(&self.parts.switch, &self.place.port())
    }

    fn as_seen_from_pod(&self, source: &Path) -> PathBuf {
        match source.strip_prefix(RUN) {
            Ok(below) => self.namespace.run_of_parent().join(below),
            Err(_) => source.to_owned(),
        }
    }
}

const RUN: &str = "/run";
