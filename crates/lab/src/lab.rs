//! A lab: one bridge, and the hosts and pods that are joined by it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::address::{LAST, Place};
use crate::capture::{Recording, Sampling, Scope};
use crate::command::HostCommand;
use crate::error::LabError;
use crate::fault::Faults;
use crate::host::Host;
use crate::namespace::Namespace;
use crate::{rights, tool, wire};

/// A network of its own. Any number may stand at a time, and none sees another.
///
/// When it is dropped, whatever still runs in its hosts is killed, and its namespaces and its directory are gone.
pub struct Lab {
    parts: Arc<Parts>,
    nodes: AtomicU8,
    recordings: AtomicUsize,
    directory: TempDir,
}

/// What hosts share with their lab.
pub(crate) struct Parts {
    pub(crate) switch: Arc<Namespace>,
    pub(crate) faults: Faults,
    pub(crate) logs: PathBuf,
    namespaces: Mutex<Vec<Arc<Namespace>>>,
}

impl Lab {
    /// A bridge to which nothing is joined yet. Needs what [`rights::ensure`] ensures.
    pub fn new() -> Result<Self, LabError> {
        rights::check()?;
        let missing = tool::missing(tool::TOOLS);
        if !missing.is_empty() {
            return Err(LabError::Tools { missing });
        }
        let directory = make_directory()?;
        let switch = Arc::new(Namespace::new("switch", None).map_err(rights::explain)?);
        wire::make_bridge(&switch)?;
        Faults::install(&switch)?;
        let (faults, logs) = (Faults::default(), directory.path().join(LOGS));
        let parts = Arc::new(Parts { switch, faults, logs, namespaces: Mutex::default() });
        Ok(Self { parts, nodes: AtomicU8::new(0), recordings: AtomicUsize::new(0), directory })
    }

    /// A new host on the bridge. The name is for logs and errors; its address is the next one.
    pub fn host(&self, name: &str) -> Result<Host, LabError> {
        let node = take_number(&self.nodes, name)?;
        Host::join(Arc::clone(&self.parts), name, Place { node, seat: 1 }, None)
    }

    /// Starts to capture what crosses the bridge. When this returns, the next packet is in it.
    pub fn capture(&self) -> Result<Recording, LabError> {
        self.record(&Scope::everything())
    }

    /// Starts to capture the next packets of one host or pod, at most `packets` of them, and of each at most the first
    /// `bytes`. When this returns, the next packet is in it; once it has as many as it wants it costs nothing any more.
    pub fn sample(&self, host: &Host, packets: usize, bytes: usize) -> Result<Sampling, LabError> {
        Ok(Sampling::new(self.record(&Scope::first(packets, bytes, host))?))
    }

    fn record(&self, scope: &Scope) -> Result<Recording, LabError> {
        let number = self.recordings.fetch_add(1, Ordering::Relaxed);
        let tcpdump = HostCommand::new(Arc::clone(&self.parts.switch), self.parts.logs.clone(), "tcpdump");
        let file = self.directory.path().join(format!("capture-{number}.pcap"));
        Recording::start(tcpdump, file, Arc::clone(&self.parts.switch), number, scope)
    }

    /// The lab's directory, in which everybody may read: logs, captures, and what a test puts there.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Copies a program into the lab's directory and returns its new path, at which every uid can execute it.
    ///
    /// A build directory is often below a home directory that only its owner may enter.
    pub fn install(&self, program: &Path) -> Result<PathBuf, LabError> {
        let copy_error = |source| LabError::File { action: "copy", path: program.to_owned(), source };
        let name = program.file_name().ok_or_else(|| copy_error(std::io::ErrorKind::InvalidFilename.into()))?;
        let target = self.directory.path().join(BIN).join(name);
        if !target.exists() {
            fs::copy(program, &target).map_err(copy_error)?;
            fs::set_permissions(&target, Permissions::from_mode(0o755)).map_err(copy_error)?;
        }
        Ok(target)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.parts.close();
    }
}

impl Parts {
    /// Remembers a namespace, so that it ends with the lab whoever else still holds it.
    pub(crate) fn adopt(&self, namespace: &Arc<Namespace>) {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(namespace));
    }

    fn close(&self) {
        let namespaces = std::mem::take(&mut *self.namespaces.lock().unwrap_or_else(PoisonError::into_inner));
        // All are told before the first is waited for: each takes a while to look for what runs in it.
        for namespace in &namespaces {
            namespace.let_go();
        }
        for namespace in &namespaces {
            namespace.close();
        }
        self.switch.close();
    }
}

/// The next of 1 to [`LAST`].
pub(crate) fn take_number(counter: &AtomicU8, name: &str) -> Result<u8, LabError> {
    let next = |last: u8| (last < LAST).then_some(last + 1);
    match counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(last) => Ok(last + 1),
        Err(_) => Err(LabError::Full { name: name.to_owned() }),
    }
}

fn make_directory() -> Result<TempDir, LabError> {
    let place = std::env::temp_dir();
    let make_error = |source| LabError::File { action: "make a directory in", path: place.clone(), source };
    let directory = tempfile::Builder::new()
        .prefix("bulkhead-lab-")
        .permissions(Permissions::from_mode(0o755)) // Accounts other than ours run programs from it.
        .tempdir()
        .map_err(make_error)?;
    for name in [LOGS, BIN] {
        fs::create_dir(directory.path().join(name)).map_err(make_error)?;
    }
    Ok(directory)
}

const LOGS: &str = "logs";
const BIN: &str = "bin";
