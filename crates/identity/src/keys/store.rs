//! The file in which a key lives with its certificate chain: mode 0600, replaced as a whole or not at all.
//!
//! Key and chain are one file, the key first. Two files would need two renames, and a crash between them leaves a chain
//! beside a key that it does not certify; a directory per generation behind a symbolic link would do as well, but
//! leaves old keys to be cleared away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyError, PrivateKey};
use crate::pem;

/// Where a key and its chain are kept, e.g. `/var/lib/bulkhead/agent/identity.pem`.
#[derive(Clone, Debug)]
pub struct KeyStore {
    path: PathBuf,
}

/// What is kept there.
#[derive(Clone, Debug)]
pub struct StoredIdentity {
    /// The private key.
    pub key: PrivateKey,
    /// The leaf, then its intermediates.
    pub chain: Vec<CertificateDer<'static>>,
}

impl KeyStore {
    /// The store in this file; its directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is kept; `None` when nothing was ever written. A file that others can read is refused.
    pub fn read(&self) -> Result<Option<StoredIdentity>, KeyError> {
        let Some(text) = self.text()? else { return Ok(None) };
        let path = || self.path.clone();
        let key = PrivatePkcs8KeyDer::pem_slice_iter(&text).next().ok_or_else(|| KeyError::NoKey { path: path() })?;
        let key = key.map_err(|source| KeyError::Pem { path: path(), source })?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.map_err(|source| KeyError::Pem { path: path(), source })?;
        if chain.is_empty() {
            return Err(KeyError::NoCertificate { path: path() });
        }
        Ok(Some(StoredIdentity { key: owned(key)?, chain }))
    }

    /// Replaces what is kept; after an error, and after a crash at any moment, either the old or the new is there.
    pub fn write(&self, identity: &StoredIdentity) -> Result<(), KeyError> {
        let text = Zeroizing::new([&identity.key.to_pem(), pem::certificates(&identity.chain).as_str()].concat());
        replace(&self.path, text.as_bytes()).map_err(|source| KeyError::Write { path: self.path.clone(), source })
    }

    fn text(&self) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let failed = |source| KeyError::Read { path: self.path.clone(), source };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Asked of the open file, so that nobody can put another one in its place in between.
        let metadata = file.metadata().map_err(failed)?;
        if metadata.mode() & OTHERS != 0 {
            return Err(KeyError::Exposed { path: self.path.clone(), mode: metadata.mode() & 0o7777 });
        }
        // With its capacity right from the start the buffer never moves and leaves no copy of the key behind.
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1));
        file.read_to_end(&mut text).map_err(failed)?;
        Ok(Some(text))
    }
}

/// Takes the key out of the parsed PEM, whose own copy is overwritten.
fn owned(mut parsed: PrivatePkcs8KeyDer<'static>) -> Result<PrivateKey, KeyError> {
    let key = PrivateKey::from_pkcs8(parsed.secret_pkcs8_der().to_vec());
    parsed.zeroize();
    key
}

/// Writes a new file beside the old one, makes it durable, and renames it over the old one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = path.with_extension("new");
    // One that a crash left behind is worth nothing; `create_new` then follows no link that stands in its place.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The name is durable only when the directory is.
    File::open(directory)?.sync_all()
}

/// Any permission of the group or of others.
const OTHERS: u32 = 0o077;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn identity() -> StoredIdentity {
        StoredIdentity { key: PrivateKey::generate().unwrap(), chain: vec![CertificateDer::from(vec![0x30, 0x00])] }
    }

    fn store() -> (tempfile::TempDir, KeyStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::new(directory.path().join("identity.pem"));
        (directory, store)
    }

    #[test]
    fn what_is_written_is_read_back_and_only_its_owner_can() {
        let (directory, store) = store();
        assert!(store.read().unwrap().is_none());
        for identity in [identity(), identity()] {
            store.write(&identity).unwrap();
            let read = store.read().unwrap().unwrap();
            assert_eq!((read.key.as_pkcs8(), &read.chain), (identity.key.as_pkcs8(), &identity.chain));
        }
        assert_eq!(fs::metadata(store.path()).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_way_out() {
        let (_directory, store) = store();
        store.write(&identity()).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(store.path(), fs::Permissions::from_mode(mode)).unwrap();
            let refused = store.read().unwrap_err();
            assert!(matches!(&refused, KeyError::Exposed { mode: found, .. } if *found == mode));
            assert!(refused.hint().unwrap().contains("chmod 600"));
        }
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_identity_and_does_not_block_the_next() {
        let (_directory, store) = store();
        let (old, new) = (identity(), identity());
        store.write(&old).unwrap();
        fs::write(store.path().with_extension("new"), "half a k").unwrap();
        assert_eq!(store.read().unwrap().unwrap().key.as_pkcs8(), old.key.as_pkcs8());
        store.write(&new).unwrap();
        assert_eq!(store.read().unwrap().unwrap().key.as_pkcs8(), new.key.as_pkcs8());
    }

    #[test]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let (directory, store) = store();
        let victim = directory.path().join("victim");
        std::os::unix::fs::symlink(&victim, store.path().with_extension("new")).unwrap();
        store.write(&identity()).unwrap();
        assert!(!victim.exists());
    }

    #[test]
    fn half_a_file_is_an_error_and_not_nothing() {
        let (_directory, store) = store();
        let pem = identity().key.to_pem();
        for (text, word) in [("", "no private key"), (&*pem, "no certificate"), (&pem[..40], "not PEM")] {
            let _ = fs::remove_file(store.path());
            replace(store.path(), text.as_bytes()).unwrap();
            assert!(store.read().unwrap_err().to_string().contains(word), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", identity().key), "PrivateKey(..)");
    }
}
