//! One Unix socket per registration, in a directory that only the registration's user may enter.
//!
//! The directory outlives the agent's restarts: it is bound into a workload's mount namespace, which would keep the old
//! one if it were made anew. While the socket in it is replaced, the directory belongs to the agent, so that its owner
//! cannot put a link where the agent is about to change an owner or a mode.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use bulkhead_mesh::InstanceId;
use tokio::net::UnixListener;

/// The user and the group that may open a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// The directory of all sockets: the agent's own, 0700, so that a workload sees nothing but what is bound for it.
#[derive(Clone, Debug)]
pub struct SocketDirectory {
    path: PathBuf,
    agent: Owner,
}

impl SocketDirectory {
    /// Opens the directory, and makes it when it is not there.
    pub fn open(path: &Path) -> Result<Self, SocketError> {
        check_length(path)?;
        let failed = |source| SocketError::Directory { path: path.into(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        make_private(path).map_err(failed)?;
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        if !metadata.is_dir() || metadata.mode() & OTHERS_WRITE != 0 {
            return Err(SocketError::Open { path: path.into(), mode: metadata.mode() & 0o7777 });
        }
        Ok(Self { path: path.into(), agent: Owner { uid: metadata.uid(), gid: metadata.gid() } })
    }

    /// Where a registration's socket is, or will be.
    pub fn socket(&self, registration: InstanceId) -> PathBuf {
        self.of(registration).join(SOCKET_NAME)
    }

    /// Listens on a registration's socket, which only `owner` may open.
    pub fn bind(&self, registration: InstanceId, owner: Owner) -> Result<UnixListener, SocketError> {
        let directory = self.of(registration);
        self.bind_in(&directory, owner).map_err(|source| SocketError::Bind { path: directory, owner, source })
    }

    fn bind_in(&self, directory: &Path, owner: Owner) -> io::Result<UnixListener> {
        make_private(directory)?;
        change_owner(directory, self.agent)?;
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        let socket = directory.join(SOCKET_NAME);
        remove_whatever(&socket)?;
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        change_owner(&socket, owner)?;
        change_owner(directory, owner)?;
        Ok(listener)
    }

    /// Removes a registration's socket and directory.
    pub fn remove(&self, registration: InstanceId) -> Result<(), SocketError> {
        let directory = self.of(registration);
        remove_whatever(&directory).map_err(|source| SocketError::Remove { path: directory, source })
    }

    /// Removes the directories of registrations that are no more; what the agent did not make is left alone.
    pub fn remove_others(&self, registrations: &HashSet<InstanceId>) -> Result<(), SocketError> {
        let failed = |source| SocketError::Directory { path: self.path.clone(), source };
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let registration = name.to_str().and_then(|name| name.parse::<InstanceId>().ok());
            if let Some(gone) = registration.filter(|found| !registrations.contains(found)) {
                self.remove(gone)?;
            }
        }
        Ok(())
    }

    fn of(&self, registration: InstanceId) -> PathBuf {
        self.path.join(registration.to_string())
    }
}

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum SocketError {
    #[error(
        "the socket directory {path} makes socket paths of {bytes} bytes; the kernel takes {MAX_SOCKET_PATH} at most",
        path = .path.display()
    )]
    TooLong { path: PathBuf, bytes: usize },
    #[error("cannot use the socket directory {path}", path = .path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("the socket directory {path} is no directory that only its owner may write (mode {mode:o})", path = .path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("cannot listen in {path} for uid {uid} and gid {gid}", path = .path.display(), uid = .owner.uid, gid = .owner.gid)]
    Bind { path: PathBuf, owner: Owner, source: io::Error },
    #[error("cannot remove {path}", path = .path.display())]
    Remove { path: PathBuf, source: io::Error },
}

impl SocketError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLong { .. } => Some("choose a shorter `--socket-dir`, e.g. /run/bulkhead/workloads"),
            Self::Directory { .. } | Self::Open { .. } => {
                Some("`--socket-dir` must name a directory that the agent's user owns and nobody else can write")
            }
            Self::Bind { .. } => Some("the agent needs the right to give files away (root, or CAP_CHOWN)"),
            Self::Remove { .. } => None,
        }
    }
}

/// A socket's path fits into `sun_path`, which has 108 bytes and ends with a zero (unix(7)).
fn check_length(path: &Path) -> Result<(), SocketError> {
    let bytes = path.as_os_str().as_bytes().len() + 1 + REGISTRATION_NAME + 1 + SOCKET_NAME.len();
    if bytes > MAX_SOCKET_PATH {
        return Err(SocketError::TooLong { path: path.into(), bytes });
    }
    Ok(())
}

fn make_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Changes the owner of exactly this path, never of what a link there points to. An owner that is right already needs
/// no privilege.
fn change_owner(path: &Path, owner: Owner) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if (metadata.uid(), metadata.gid()) == (owner.uid, owner.gid) {
        return Ok(());
    }
    lchown(path, Some(owner.uid), Some(owner.gid))
}

fn remove_whatever(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

const SOCKET_NAME: &str = "api.sock";
/// An instance id in hexadecimal digits.
const REGISTRATION_NAME: usize = 32;
const MAX_SOCKET_PATH: usize = 107;
/// The group's and everybody else's right to write.
const OTHERS_WRITE: u32 = 0o022;

#[cfg(test)]
mod tests;
