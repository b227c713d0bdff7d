//! Where the truth outlives the process: one file in the state directory, replaced as a whole or not at all.
//!
//! A file that cannot be used never stops the proxy and never lets anything pass: it is said so in the log, and the proxy
//! begins with nothing, as on its first day, until it hears the CA. One that is damaged is set aside under another name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file that holds what a subscriber holds, mode 0600.
#[derive(Clone, Debug)]
pub struct HeldFile {
    directory: PathBuf,
}

impl HeldFile {
    /// The file in this directory, which must exist and belong to the proxy alone.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// What was saved last; `None` if nothing ever was.
    pub fn load(&self) -> Result<Option<Vec<u8>>, DiskError> {
        let path = self.path(NAME);
        let failed = |source| DiskError::Read { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST { Err(DiskError::TooLarge { path, limit: LARGEST }) } else { Ok(Some(bytes)) }
    }

    /// Replaces what was saved; after an error, and after a crash at any moment, either the old or the new is there.
    pub fn save(&self, bytes: &[u8]) -> Result<(), DiskError> {
        self.replace(bytes).map_err(|source| DiskError::Write { path: self.path(NAME), source })
    }

    /// Puts a file that cannot be used out of the way, for somebody to look at; the last such one is overwritten.
    pub fn set_aside(&self) -> Result<PathBuf, DiskError> {
        let (path, aside) = (self.path(NAME), self.path(ASIDE));
        fs::rename(&path, &aside).map_err(|source| DiskError::Write { path, source })?;
        Ok(aside)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.path(NEW);
        // One that a crash left behind is worth nothing; `create_new` then follows no link that stands in its place.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path(NAME))?;
        // The name is durable only when the directory is.
        File::open(&self.directory)?.sync_all()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(&self.directory, name)
    }
}

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum DiskError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} has more than {limit} bytes", path = .path.display())]
    TooLarge { path: PathBuf, limit: u64 },
}

impl DiskError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        "the state directory must exist, have room, and belong to the user that the proxy runs as"
    }
}

const NAME: &str = "held";
const NEW: &str = "held.new";
const ASIDE: &str = "held.damaged";
/// A million cutoffs with their signatures have some 400 MB.
const LARGEST: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_is_saved_is_loaded_and_only_its_owner_can() {
        let directory = tempfile::tempdir().unwrap();
        let file = HeldFile::new(directory.path());
        assert_eq!(file.load().unwrap(), None);
        for bytes in [&b"old"[..], b"new"] {
            file.save(bytes).unwrap();
            assert_eq!(file.load().unwrap().as_deref(), Some(bytes));
        }
        assert_eq!(fs::metadata(directory.path().join("held")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let other = directory.path().join("other");
        fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, directory.path().join("held.new")).unwrap();
        HeldFile::new(directory.path()).save(b"new").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn a_damaged_file_is_kept_for_somebody_to_look_at() {
        let directory = tempfile::tempdir().unwrap();
        let file = HeldFile::new(directory.path());
        file.save(b"damaged").unwrap();
        let aside = file.set_aside().unwrap();
        assert_eq!((fs::read(aside).unwrap(), file.load().unwrap()), (b"damaged".to_vec(), None));
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_with_a_way_out() {
        let error = HeldFile::new("/nowhere/at/all").save(b"").unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all/held") && error.hint().contains("state directory"));
    }
}
