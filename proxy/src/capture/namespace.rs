//! Which network namespace rules go to, and whether it is a host's own.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::install::CaptureError;

/// A network namespace, by one of the ways to name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The one that this process is in.
    Own,
    /// The one that a process is in.
    OfProcess(u32),
    /// The one that a file is, such as `/run/netns/pod` or `/proc/42/ns/net`.
    File(PathBuf),
}

/// Whose network namespace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A pod's, or another one made for a workload.
    Workload,
    /// The machine's own: the one that the kernel began with, or that of process 1.
    Host,
}

impl Namespace {
    /// The file that it is.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Own => PathBuf::from(OWN),
            Self::OfProcess(id) => PathBuf::from(format!("/proc/{id}/ns/net")),
            Self::File(path) => path.clone(),
        }
    }

    /// Whose it is. `initial` says whether it is the kernel's first one, which has to be found out inside it.
    ///
    /// Two signs are looked for, and either is enough to call it a host's. The kernel's first namespace is the only one
    /// in which [`INITIAL_ONLY`] exists: seen also from a pid or user namespace, which hide the real process 1. And the
    /// namespace of process 1 is a host's where the host itself is a container with an init. Not if process 1 is this
    /// very process: so a pod's init container may capture its own pod.
    pub(super) fn whose(&self, initial: bool, own_pid: u32) -> Result<Whose, CaptureError> {
        let path = self.path();
        let identity = identity(&path).map_err(|source| CaptureError::NoNamespace { path, source })?;
        // Unreadable for an ordinary user in a user namespace, who has no rights in that namespace either.
        let first = identity_of_process_1().filter(|_| own_pid != 1);
        Ok(if initial || first == Some(identity) { Whose::Host } else { Whose::Workload })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

fn identity_of_process_1() -> Option<(u64, u64)> {
    identity(Path::new("/proc/1/ns/net")).ok()
}

const OWN: &str = "/proc/self/ns/net";
/// A kernel parameter that only the first network namespace has (net/core/sysctl_net_core.c, `net_core_table`).
pub(super) const INITIAL_ONLY: &str = "/proc/sys/net/core/netdev_budget";
/// One that every network namespace has, to tell a missing parameter from a hidden directory.
pub(super) const ALWAYS: &str = "/proc/sys/net/core/somaxconn";
