//! What opens the CA's keys: a passphrase, or a file of 32 random bytes; never an argument of a command line.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::SealError;
use super::header::{Cost, Method};

/// The secret that seals and opens the CA's keys. It is wiped from memory when it is dropped.
pub struct Unsealer(Secret);

enum Secret {
    Passphrase(Zeroizing<Vec<u8>>),
    UnsealFile(Zeroizing<[u8; KEY_BYTES]>),
}

impl Unsealer {
    /// A passphrase of 12 to 1024 bytes.
    pub fn from_passphrase(text: &[u8]) -> Result<Self, UnsealerError> {
        if !PASSPHRASE_BYTES.contains(&text.len()) {
            return Err(UnsealerError::PassphraseLength { bytes: text.len() });
        }
        Ok(Self(Secret::Passphrase(Zeroizing::new(text.to_vec()))))
    }

    /// The 32 random bytes of an unseal file.
    pub fn from_key(key: [u8; KEY_BYTES]) -> Self {
        Self(Secret::UnsealFile(Zeroizing::new(key)))
    }

    /// Reads a passphrase to the end of `input`, e.g. of stdin; one line end after it does not count.
    pub fn read_passphrase(input: impl Read) -> Result<Self, UnsealerError> {
        let text = read_limited(input).map_err(|source| UnsealerError::ReadPassphrase { source })?;
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        Self::from_passphrase(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Reads a passphrase from a file that nobody but its owner may read.
    pub fn read_passphrase_file(path: &Path) -> Result<Self, UnsealerError> {
        Self::read_passphrase(open_private(path)?)
    }

    /// Reads an unseal file, which nobody but its owner may read.
    pub fn read_unseal_file(path: &Path) -> Result<Self, UnsealerError> {
        let read = |source| UnsealerError::Read { path: path.into(), source };
        let bytes = read_limited(open_private(path)?).map_err(read)?;
        let key = <[u8; KEY_BYTES]>::try_from(&bytes[..])
            .map_err(|_| UnsealerError::UnsealFileLength { path: path.into(), bytes: bytes.len() })?;
        Ok(Self::from_key(key))
    }

    /// Writes `random` as a new unseal file with mode 0600; refuses to replace a file.
    pub fn create_unseal_file(path: &Path, random: [u8; KEY_BYTES]) -> Result<Self, UnsealerError> {
        let create = |source| UnsealerError::Create { path: path.into(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(create)?;
        file.write_all(&random).and_then(|()| file.sync_all()).map_err(create)?;
        Ok(Self::from_key(random))
    }

    /// How this secret seals.
    pub(super) fn method(&self) -> Method {
        match self.0 {
            Secret::Passphrase(_) => Method::Passphrase(Cost::DEFAULT),
            Secret::UnsealFile(_) => Method::UnsealFile,
        }
    }

    /// The key that `method`, as a sealed file states it, makes of this secret.
    pub(super) fn derive(&self, method: Method, salt: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        match (&self.0, method) {
            (Secret::Passphrase(text), Method::Passphrase(cost)) => stretch(text, cost, salt),
            (Secret::UnsealFile(key), Method::UnsealFile) => expand(key, salt),
            (_, method) => Err(SealError::OtherMethod { sealed_by: method.name(), given: self.method().name() }),
        }
    }
}

impl fmt::Debug for Unsealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsealer({})", self.method().name())
    }
}

/// Why there is no secret to open the CA's keys with.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum UnsealerError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot read the passphrase")]
    ReadPassphrase { source: io::Error },
    #[error("cannot create the unseal file {path}", path = .path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("{path} has mode {mode:04o}: others than its owner may use it", path = .path.display())]
    Mode { path: PathBuf, mode: u32 },
    #[error("a passphrase has {} to {} bytes, not {bytes}", PASSPHRASE_BYTES.start(), PASSPHRASE_BYTES.end())]
    PassphraseLength { bytes: usize },
    #[error("the unseal file {path} must have {KEY_BYTES} bytes, not {bytes}", path = .path.display())]
    UnsealFileLength { path: PathBuf, bytes: usize },
}

impl UnsealerError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Mode { .. } => Some("`chmod 600` it, and think about who may have read it"),
            Self::Create { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                Some("an unseal file is never replaced: it may be all that opens another CA")
            }
            _ => None,
        }
    }
}

/// The mode is asked of the open file, so that nobody can swap it in between.
fn open_private(path: &Path) -> Result<File, UnsealerError> {
    let read = |source| UnsealerError::Read { path: path.into(), source };
    let file = File::open(path).map_err(read)?;
    let mode = file.metadata().map_err(read)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(UnsealerError::Mode { path: path.into(), mode });
    }
    Ok(file)
}

/// Reads at most one byte more than the longest secret has, so that a longer one is noticed.
fn read_limited(input: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = PASSPHRASE_BYTES.end() + LINE_END_BYTES + 1;
    // Reserved at once: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    input.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Argon2id: guessing a passphrase must cost memory as well as time.
fn stretch(text: &[u8], cost: Cost, salt: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
    let Cost { memory_kib, passes, lanes } = cost;
    let failed = |_| SealError::Derive { memory_kib, passes, lanes };
    let parameters = Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(failed)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon2.hash_password_into(text, salt, &mut *key).map_err(failed)?;
    Ok(key)
}

/// HKDF-SHA256: 32 random bytes need no stretching, only a key of its own for each file.
fn expand(secret: &[u8; KEY_BYTES], salt: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let expanded = extracted.expand(&[b"bulkhead sealed key"], hkdf::HKDF_SHA256).map_err(|_| SealError::Cipher)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    expanded.fill(&mut *key).map_err(|_| SealError::Cipher)?;
    Ok(key)
}

const KEY_BYTES: usize = 32;
const LINE_END_BYTES: usize = 2;
/// Shorter ones are guessed in spite of Argon2id; longer ones are a wrong file.
const PASSPHRASE_BYTES: std::ops::RangeInclusive<usize> = 12..=1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_passphrase_is_one_line_of_a_sane_length() {
        for (text, accepted) in [
            ("correct horse battery", true),
            ("correct horse battery\n", true),
            ("correct horse battery\r\n", true),
            ("short", false),
            ("", false),
            (&"x".repeat(1024), true),
            (&"x".repeat(1025), false),
        ] {
            assert_eq!(Unsealer::read_passphrase(text.as_bytes()).is_ok(), accepted, "{text:?}");
        }
    }

    #[test]
    fn an_unseal_file_is_private_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("unseal");
        Unsealer::create_unseal_file(&path, [7; 32]).unwrap();
        assert!(Unsealer::read_unseal_file(&path).is_ok());
        let again = Unsealer::create_unseal_file(&path, [8; 32]);
        assert!(matches!(again, Err(UnsealerError::Create { .. })), "{again:?}");
        assert_eq!(fs::read(&path).unwrap(), [7; 32]);
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "correct horse battery").unwrap();
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Unsealer::read_passphrase_file(&path).is_ok(), accepted, "{mode:o}");
        }
    }

    #[test]
    fn debug_output_says_nothing_of_the_secret() {
        let shown = format!("{:?}", Unsealer::from_passphrase(b"correct horse battery").unwrap());
        assert_eq!(shown, "Unsealer(a passphrase)");
    }
}
