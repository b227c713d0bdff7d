//! The first 50 bytes of a sealed file: its version, and how the sealing key is derived.
//!
//! | offset | bytes | meaning                                                        |
//! |-------:|------:|----------------------------------------------------------------|
//! |      0 |     8 | `BHSEALED`                                                     |
//! |      8 |     1 | version, 1                                                     |
//! |      9 |     1 | 1: unseal file, HKDF-SHA256; 2: passphrase, Argon2id           |
//! |     10 |    12 | Argon2id: KiB of memory, passes, lanes (big-endian), else 0    |
//! |     22 |    16 | salt                                                           |
//! |     38 |    12 | AES-256-GCM nonce                                              |

use super::{RANDOM_BYTES, Unsealer};

/// How a sealing key is derived, and from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    UnsealFile,
    Passphrase(Cost),
}

/// What Argon2id spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// A header that was read or will be written.
pub(super) struct Header {
    pub(super) method: Method,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; 12],
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UnsealFile => "an unseal file",
            Self::Passphrase(_) => "a passphrase",
        }
    }

    pub(super) fn is_opened_by(self, by: &Unsealer) -> bool {
        matches!((self, by.method()), (Self::UnsealFile, Self::UnsealFile) | (Self::Passphrase(_), Self::Passphrase(_)))
    }

    const fn code(self) -> u8 {
        match self {
            Self::UnsealFile => 1,
            Self::Passphrase(_) => 2,
        }
    }
}

impl Cost {
    /// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes; about a tenth of a second.
    pub(super) const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// What an unseal file's header says.
    const NONE: Self = Self { memory_kib: 0, passes: 0, lanes: 0 };

    /// The header is obeyed before it is authenticated, so a damaged one must not exhaust the host.
    const fn is_bearable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 16 && self.lanes <= 16
    }
}

impl Header {
    pub(super) fn new(method: Method, random: &[u8; RANDOM_BYTES]) -> Self {
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        salt.copy_from_slice(&random[..16]);
        nonce.copy_from_slice(&random[16..]);
        Self { method, salt, nonce }
    }

    pub(super) fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let cost = if let Method::Passphrase(cost) = self.method { cost } else { Cost::NONE };
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&[VERSION, self.method.code()]);
        for (field, value) in bytes[10..22].chunks_exact_mut(4).zip([cost.memory_kib, cost.passes, cost.lanes]) {
            field.copy_from_slice(&value.to_be_bytes());
        }
        bytes[22..38].copy_from_slice(&self.salt);
        bytes[38..].copy_from_slice(&self.nonce);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderError> {
        if &bytes[..8] != MAGIC {
            return Err(HeaderError::Magic);
        }
        if bytes[8] != VERSION {
            return Err(HeaderError::Version { found: bytes[8] });
        }
        let method = read_method(bytes[9], read_cost(bytes))?;
        let mut random = [0; RANDOM_BYTES];
        random.copy_from_slice(&bytes[22..]);
        Ok(Self::new(method, &random))
    }
}

/// Why bytes do not begin like a sealed key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum HeaderError {
    #[error("it has {bytes} bytes, fewer than the {HEADER_BYTES} of a header")]
    Short { bytes: usize },
    #[error("it does not begin with `BHSEALED`")]
    Magic,
    #[error("its version is {found}; this program knows version {VERSION}")]
    Version { found: u8 },
    #[error("its key derivation has the number {found}, which this program does not know")]
    Method { found: u8 },
    #[error(
        "its key derivation asks for {memory_kib} KiB of memory, {passes} passes and {lanes} lanes, which is out of range"
    )]
    Cost { memory_kib: u32, passes: u32, lanes: u32 },
}

fn read_method(code: u8, cost: Cost) -> Result<Method, HeaderError> {
    let Cost { memory_kib, passes, lanes } = cost;
    match code {
        1 if cost == Cost::NONE => Ok(Method::UnsealFile),
        2 if cost.is_bearable() => Ok(Method::Passphrase(cost)),
        1 | 2 => Err(HeaderError::Cost { memory_kib, passes, lanes }),
        found => Err(HeaderError::Method { found }),
    }
}

fn read_cost(bytes: &[u8; HEADER_BYTES]) -> Cost {
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Cost { memory_kib: number(10), passes: number(14), lanes: number(18) }
}

pub(super) const HEADER_BYTES: usize = 50;
const MAGIC: &[u8; 8] = b"BHSEALED";
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for method in [Method::UnsealFile, Method::Passphrase(Cost::DEFAULT)] {
            let header = Header::new(method, &[3; 28]);
            assert_eq!(Header::from_bytes(&header.to_bytes()).map(|read| read.method), Ok(method));
        }
    }

    #[test]
    fn a_header_that_would_exhaust_the_host_is_refused() {
        let greedy = Cost { memory_kib: u32::MAX, ..Cost::DEFAULT };
        let bytes = Header::new(Method::Passphrase(greedy), &[3; 28]).to_bytes();
        assert!(matches!(Header::from_bytes(&bytes), Err(HeaderError::Cost { .. })));
    }
}
