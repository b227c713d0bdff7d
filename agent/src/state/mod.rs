//! What the agent keeps on the disk: its mesh, its identity, the registrations and their certificates.
//!
//! Every file is 0600 in a directory of 0700, and is replaced as a whole or not at all:
//!
//! | file | what |
//! |---|---|
//! | `mesh.json` | trust domain, node, CA addresses and roots |
//! | `node.pem` | the node's key and chain; written last by a join: where it is, the node has joined |
//! | `joining.pem` | the key of a join whose answer has not come yet |
//! | `registrations.json` | the last registrations that the CA told |
//! | `workloads/<registration>.pem` | a workload's key and chain |
//! | `lock` | held by the one agent that uses the directory |

mod error;
mod file;
mod membership;
mod registrations;

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bulkhead_identity::keys::{KeyStore, PrivateKey, StoredIdentity};
use bulkhead_mesh::{InstanceId, SpiffeId};
use bulkhead_protocol::convert::Registration;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

pub use error::StateError;
pub use membership::Membership;

/// The agent's directory, held by this process alone.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    lock: File,
}

impl StateDirectory {
    /// Opens the directory, and makes it when it is not there.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Directory { path: path.into(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path.join(WORKLOADS)).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: path.into() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To which mesh this node belongs, or wanted to.
    pub fn membership(&self) -> Result<Option<Membership>, StateError> {
        let path = self.path.join(MESH);
        file::read(&path)?
            .map(|bytes| Membership::from_json(&bytes).map_err(|problem| damaged(path, problem)))
            .transpose()
    }

    /// Keeps to which mesh this node belongs.
    pub fn keep_membership(&self, membership: &Membership) -> Result<(), StateError> {
        file::write(&self.path.join(MESH), &membership.to_json())
    }

    /// The node's key and chain, once it has joined.
    pub fn node(&self) -> Result<Option<StoredIdentity>, StateError> {
        Ok(self.node_store().read()?)
    }

    /// Keeps the node's key and chain; an unfinished join has been finished.
    pub fn keep_node(&self, identity: &StoredIdentity) -> Result<(), StateError> {
        self.node_store().write(identity)?;
        file::remove(&self.path.join(JOINING))
    }

    /// The key of a join as `id` whose answer has not come.
    pub fn joining_key(&self, id: &SpiffeId) -> Result<Option<PrivateKey>, StateError> {
        let path = self.path.join(JOINING);
        let Some(text) = file::read(&path)? else { return Ok(None) };
        // A key is for one name: an attempt under another one has left nothing of use.
        if !text.starts_with(joining_line(id).as_bytes()) {
            return Ok(None);
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|problem| damaged(path, problem.to_string()))?;
        Ok(Some(PrivateKey::from_pkcs8(der.secret_pkcs8_der().to_vec())?))
    }

    /// Keeps the key of a join as `id` before the CA is asked.
    pub fn keep_joining_key(&self, id: &SpiffeId, key: &PrivateKey) -> Result<(), StateError> {
        let text = Zeroizing::new(joining_line(id) + &key.to_pem());
        file::write(&self.path.join(JOINING), text.as_bytes())
    }

    /// The registrations that the CA told last, if it ever did.
    pub fn registrations(&self) -> Result<Option<Vec<Registration>>, StateError> {
        let path = self.path.join(REGISTRATIONS);
        file::read(&path)?
            .map(|bytes| registrations::from_json(&bytes).map_err(|problem| damaged(path, problem)))
            .transpose()
    }

    /// Keeps the registrations.
    pub fn keep_registrations(&self, registrations: &[Registration]) -> Result<(), StateError> {
        file::write(&self.path.join(REGISTRATIONS), &registrations::to_json(registrations))
    }

    /// A workload's key and chain.
    pub fn workload(&self, registration: InstanceId) -> Result<Option<StoredIdentity>, StateError> {
        Ok(self.workload_store(registration).read()?)
    }

    /// Keeps a workload's key and chain.
    pub fn keep_workload(&self, registration: InstanceId, identity: &StoredIdentity) -> Result<(), StateError> {
        Ok(self.workload_store(registration).write(identity)?)
    }

    /// Forgets a workload's key and chain.
    pub fn forget_workload(&self, registration: InstanceId) -> Result<(), StateError> {
        file::remove(self.workload_store(registration).path())
    }

    /// Forgets the keys and chains of all workloads but these.
    pub fn forget_other_workloads(&self, registrations: &HashSet<InstanceId>) -> Result<(), StateError> {
        let directory = self.path.join(WORKLOADS);
        let failed = |source| StateError::Directory { path: directory.clone(), source };
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if !name.and_then(|name| name.parse().ok()).is_some_and(|id| registrations.contains(&id)) {
                file::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Forgets every workload and registration: what an earlier life of this node was told.
    pub fn forget_workloads(&self) -> Result<(), StateError> {
        self.forget_other_workloads(&HashSet::new())?;
        file::remove(&self.path.join(REGISTRATIONS))
    }

    fn node_store(&self) -> KeyStore {
        KeyStore::new(self.path.join(NODE))
    }

    fn workload_store(&self, registration: InstanceId) -> KeyStore {
        KeyStore::new(self.path.join(WORKLOADS).join(format!("{registration}.pem")))
    }
}

impl Drop for StateDirectory {
    /// Said aloud, because to close the file may not be enough: a process that was forked meanwhile holds it as well.
    fn drop(&mut self) {
        // Where it fails there is no lock to lose.
        let _ = self.lock.unlock();
    }
}

/// What stands above the key; PEM allows text there (RFC 7468, section 2).
fn joining_line(id: &SpiffeId) -> String {
    format!("joining as {id}\n")
}

fn damaged(path: PathBuf, problem: String) -> StateError {
    StateError::Damaged { path, problem }
}

const MESH: &str = "mesh.json";
const NODE: &str = "node.pem";
const JOINING: &str = "joining.pem";
const REGISTRATIONS: &str = "registrations.json";
const WORKLOADS: &str = "workloads";

#[cfg(test)]
mod tests;
