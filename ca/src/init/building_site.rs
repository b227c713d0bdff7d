//! A directory that appears under its name complete or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::InitError;

/// A private directory beside the one that is to be; it is removed unless it is finished.
pub(super) struct BuildingSite {
    temporary: TempDir,
    parent: PathBuf,
    target: PathBuf,
}

impl BuildingSite {
    /// Begins to build `target`, which must not exist or be empty.
    pub(super) fn open(target: &Path) -> Result<Self, InitError> {
        refuse_occupied(target)?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |source| InitError::Build { path: parent.into(), source };
        fs::create_dir_all(parent).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".bulkhead-ca-init-").permissions(Permissions::from_mode(0o700));
        let temporary = builder.tempdir_in(parent).map_err(failed)?;
        Ok(Self { temporary, parent: parent.into(), target: target.into() })
    }

    /// Where to write meanwhile.
    pub(super) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Writes a new file below [`Self::path`] and makes it durable.
    pub(super) fn write(&self, file: &Path, mode: u32, bytes: &[u8]) -> Result<(), InitError> {
        make_directories(file)?;
        let write = || {
            let mut open = OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
            // Stated again, because the first is subject to the umask.
            open.set_permissions(Permissions::from_mode(mode))?;
            open.write_all(bytes)?;
            open.sync_all()?;
            sync_directory(file.parent().unwrap_or(self.path()))
        };
        write().map_err(|source| InitError::Build { path: file.into(), source })
    }

    /// Gives the directory its name, in one step that fails if something has come to lie there meanwhile.
    pub(super) fn finish(self) -> Result<(), InitError> {
        let Self { temporary, parent, target } = self;
        let path = target.clone();
        let rename = || {
            sync_directory(temporary.path())?;
            fs::rename(temporary.path(), &target)
        };
        rename().map_err(|source| InitError::Finish { path, source })?;
        // Its old name is gone, so there is nothing to remove.
        let _ = temporary.keep();
        sync_directory(&parent).map_err(|source| InitError::Durability { path: target, source })
    }
}

/// Makes the directories of a file, each 0700.
pub(super) fn make_directories(file: &Path) -> Result<(), InitError> {
    let Some(directory) = file.parent() else { return Ok(()) };
    let built = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    built.map_err(|source| InitError::Build { path: directory.into(), source })
}

fn refuse_occupied(target: &Path) -> Result<(), InitError> {
    match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(InitError::Occupied { path: target.into() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(InitError::Build { path: target.into(), source }),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
