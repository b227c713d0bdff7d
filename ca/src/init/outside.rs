//! What `init` writes outside the new directory: it goes again unless the directory is finished.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bulkhead_identity::keys::{KeyStore, StoredIdentity};

use super::building_site::make_directories;
use super::{InitError, SECRET};

/// Files that were written so far, to be removed when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Outside(Vec<PathBuf>);

impl Outside {
    /// Writes a key and its chain where nothing lies, in a directory that is made if it is missing.
    pub(super) fn write_identity(&mut self, file: &Path, identity: &StoredIdentity) -> Result<(), InitError> {
        refuse_existing(file)?;
        make_directories(file)?;
        KeyStore::new(file).write(identity)?;
        self.0.push(file.into());
        Ok(())
    }

    /// Writes a sealed key below a directory, which is made if it is missing.
    pub(super) fn write_sealed(&mut self, directory: &Path, layout: &Path, sealed: &[u8]) -> Result<(), InitError> {
        let name = layout.file_name().unwrap_or(layout.as_os_str());
        let file = directory.join(name);
        refuse_existing(&file)?;
        make_directories(&file)?;
        let write = || {
            let mut open = OpenOptions::new().write(true).create_new(true).mode(SECRET).open(&file)?;
            open.write_all(sealed)?;
            open.sync_all()
        };
        write().map_err(|source| InitError::Build { path: file.clone(), source })?;
        self.0.push(file);
        Ok(())
    }

    /// Leaves them where they are.
    pub(super) fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        for file in &self.0 {
            // The error that is already there says more than one of this removal.
            let _ = fs::remove_file(file);
        }
    }
}

fn refuse_existing(path: &Path) -> Result<(), InitError> {
    // A broken link counts as well.
    if path.symlink_metadata().is_ok() { Err(InitError::OperatorFile { path: path.into() }) } else { Ok(()) }
}
