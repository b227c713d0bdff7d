//! The database's files: private to their owner, and open in one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::OpenError;

/// The right to open a database, held by at most one process; given back when dropped, or by the kernel.
///
/// It is a lock on a file of its own: the database's `EXCLUSIVE` mode would shut out our own readers as well, and
/// closing any handle of the database file itself would drop the locks that the database holds on it (POSIX
/// `fcntl`). The file is never removed: a lock on a removed file is a lock that others do not see.
#[derive(Debug)]
pub(super) struct Lock {
    _held: File,
}

impl Lock {
    /// Takes the lock of the database at `path`, at once or not at all.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let held = open_lock(&lock_path(path))?;
        match held.try_lock() {
            Ok(()) => Ok(Self { _held: held }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.into() }),
            Err(TryLockError::Error(source)) => Err(OpenError::File { action: "lock", path: lock_path(path), source }),
        }
    }
}

fn open_lock(path: &Path) -> Result<File, OpenError> {
    let opened = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path);
    opened.map_err(|source| OpenError::File { action: "open the lock file", path: path.into(), source })
}

/// Makes an empty file with mode 0600: the database and what stands beside it get their mode from it.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().create_new(true).write(true).mode(PRIVATE).open(path) {
        Ok(_) => sync_directory_of(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenError::Exists { path: path.into() }),
        Err(source) => Err(OpenError::File { action: "create", path: path.into(), source }),
    }
}

/// Refuses a file that is missing or that anybody but its owner can open.
pub(super) fn check_private(path: &Path) -> Result<(), OpenError> {
    let mode = match path.metadata() {
        Ok(metadata) => metadata.permissions().mode() & 0o7777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Missing { path: path.into() }),
        Err(source) => return Err(OpenError::File { action: "look at", path: path.into(), source }),
    };
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { path: path.into(), mode });
    }
    Ok(())
}

/// A new file survives a power cut only when its directory was written, too.
fn sync_directory_of(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| OpenError::File { action: "write the directory", path: directory.into(), source })
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

const PRIVATE: u32 = 0o600;
