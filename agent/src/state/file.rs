//! Small files that are replaced as a whole or not at all, and that nobody else can read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::StateError;

/// Reads a file; `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::Read { path: path.into(), source }),
    }
}

/// Replaces a file; after an error, and after a crash at any moment, either the old or the new one is there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    replace(path, bytes).map_err(|source| StateError::Write { path: path.into(), source })
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StateError::Write { path: path.into(), source }),
        _ => Ok(()),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600.
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The name is durable only when the directory is.
    File::open(directory)?.sync_all()
}
