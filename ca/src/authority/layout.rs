//! What lies where in the CA's state directory, made by `bulkhead-ca init`.
//!
//! | path                                    | what                                                              |
//! |-----------------------------------------|-------------------------------------------------------------------|
//! | `root.pem`                              | the root certificate: what a join token and a bundle carry        |
//! | `root/root.key.sealed`                  | a new root's key; to be moved off the host, `serve` needs it not  |
//! | `issuing.pem`, `issuing.key.sealed`     | the intermediate for workloads and nodes                          |
//! | `control.pem`, `control.key.sealed`     | the intermediate for operators and the authority's own roles      |
//! | `ca.key.sealed`, `feed.key.sealed`      | the keys of `/control/ca` and `/control/feed`                     |
//! | `first-operator.pem`                    | the certificate (no key) of the first operator                    |
//! | `operator/<name>.pem`                   | the first operator's key and chain, unless another path was given |
//! | `ca.db`, `ca.db.lock`                   | the records, and the lock that lets one process write them        |

use std::path::{Path, PathBuf};

use bulkhead_mesh::{ControlRole, OperatorName};

/// A key of the CA that lies sealed in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedKey {
    /// The root's.
    Root,
    /// The issuing intermediate's.
    Issuing,
    /// The control intermediate's.
    Control,
    /// That of one of the authority's own roles.
    Role(ControlRole),
}

impl SealedKey {
    /// The name under which it is sealed: it opens under no other.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Issuing => "issuing",
            Self::Control => "control",
            Self::Role(role) => role.as_str(),
        }
    }

    /// Where it lies.
    pub fn path(self, directory: &Path) -> PathBuf {
        if self == Self::Root { self.beside(&root_directory(directory)) } else { self.beside(directory) }
    }

    /// The same in a directory that holds nothing but what belongs to it, as a root's own.
    pub(crate) fn beside(self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.key.sealed", self.name()))
    }
}

/// The root certificate.
pub fn root_certificate(directory: &Path) -> PathBuf {
    directory.join("root.pem")
}

/// The directory of the root's key, and of nothing else.
pub fn root_directory(directory: &Path) -> PathBuf {
    directory.join("root")
}

/// The certificate of the intermediate with this key.
pub(crate) fn intermediate(directory: &Path, key: SealedKey) -> PathBuf {
    directory.join(format!("{}.pem", key.name()))
}

/// The first operator's certificate, without a key.
pub fn first_operator(directory: &Path) -> PathBuf {
    directory.join("first-operator.pem")
}

/// Where the first operator's key and chain are written unless another path is given.
pub fn operator_file(directory: &Path, name: &OperatorName) -> PathBuf {
    directory.join("operator").join(format!("{name}.pem"))
}
