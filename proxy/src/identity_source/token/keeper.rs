//! Where key and certificate outlive the process: one file in the state directory, which in a pod is memory.
//!
//! A container that is restarted while the CA is down finds them again. A file that cannot be used never stops the
//! proxy: it is said so in the log, and another certificate is asked for.

use std::fs;
use std::path::Path;

use bulkhead_daemon::chain;
use bulkhead_identity::{KeyError, KeyStore, StoredIdentity};
use tokio::task::spawn_blocking;

/// The file, which holds the key and the chain and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Keeper(KeyStore);

impl Keeper {
    /// The file in this directory, which must exist and belong to the proxy alone.
    pub(super) fn new(directory: &Path) -> Self {
        Self(KeyStore::new(directory.join(NAME)))
    }

    /// What an earlier run has kept, as far as it can be read.
    pub(super) fn read(&self) -> Option<StoredIdentity> {
        self.0.read().unwrap_or_else(|error| {
            let hint = error.hint();
            tracing::error!(error = chain(&error), hint, "the kept certificate is not used");
            if !matches!(error, KeyError::Read { .. } | KeyError::Exposed { .. }) {
                self.set_aside();
            }
            None
        })
    }

    /// Keeps it, or says why not: it is used all the same.
    pub(super) async fn keep(&self, identity: StoredIdentity) {
        let store = self.0.clone();
        // A disk takes its time, and this runs among the tasks that carry connections.
        let kept = spawn_blocking(move || store.write(&identity)).await;
        if let Ok(Err(error)) = kept {
            tracing::error!(
                error = chain(&error),
                "the certificate is not kept: a restart while the CA is down will be without"
            );
        }
    }

    /// Puts a file that cannot be used out of the way, for somebody to look at; the last such one is overwritten.
    pub(super) fn set_aside(&self) {
        let aside = self.0.path().with_extension(ASIDE);
        match fs::rename(self.0.path(), &aside) {
            Ok(()) => tracing::warn!(path = %aside.display(), "the kept certificate was set aside"),
            Err(error) => tracing::error!(%error, "the kept certificate could not be set aside"),
        }
    }
}

const NAME: &str = "identity.pem";
const ASIDE: &str = "damaged";
