//! The CA's keys at rest: each in a file of its own that only a passphrase or an unseal file opens.
//!
//! A sealed file is a header of 50 bytes and what AES-256-GCM made of the secret. The header is authenticated together
//! with the name of the key, so that one sealed key cannot be put in another's place.

mod header;
mod unsealer;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

pub use header::HeaderError;
use header::{Header, Method};
pub use unsealer::{Unsealer, UnsealerError};

/// Seals `secret` under the name `name`; `random` must be fresh for each call.
pub fn seal(secret: &[u8], name: &str, by: &Unsealer, random: &[u8; RANDOM_BYTES]) -> Result<Vec<u8>, SealError> {
    let header = Header::new(by.method(), random).to_bytes();
    let (method, salt, nonce) = (by.method(), &random[..16], &random[16..]);
    let key = sealing_key(by, method, salt)?;
    let mut body = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM.tag_len()));
    body.extend_from_slice(secret);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Cipher)?;
    key.seal_in_place_append_tag(nonce, associated(&header, name), &mut *body).map_err(|_| SealError::Cipher)?;
    Ok([&header[..], &body].concat())
}

/// Opens what [`seal`] made under the same name.
pub fn open(sealed: &[u8], name: &str, by: &Unsealer) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (bytes, body) = sealed.split_first_chunk().ok_or(HeaderError::Short { bytes: sealed.len() })?;
    let header = Header::from_bytes(bytes)?;
    if !header.method.is_opened_by(by) {
        return Err(SealError::OtherMethod { sealed_by: header.method.name(), given: by.method().name() });
    }
    let key = sealing_key(by, header.method, &header.salt)?;
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(header.nonce);
    let secret = key.open_in_place(nonce, associated(bytes, name), &mut body).map_err(|_| SealError::Refused)?.len();
    body.truncate(secret);
    Ok(body)
}

/// Random bytes that one sealing spends: a salt of 16 and a nonce of 12.
pub const RANDOM_BYTES: usize = 28;

/// Why a secret could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum SealError {
    #[error("it is not a sealed key")]
    Header(#[from] HeaderError),
    #[error("it was sealed by {sealed_by}, but {given} was given")]
    OtherMethod { sealed_by: &'static str, given: &'static str },
    #[error(
        "it does not open: the passphrase or unseal file is another one, or the file is damaged or in another's place"
    )]
    Refused,
    #[error("its key derivation failed: {memory_kib} KiB of memory, {passes} passes, {lanes} lanes")]
    Derive { memory_kib: u32, passes: u32, lanes: u32 },
    #[error("the cipher refused to work")]
    Cipher,
}

impl SealError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OtherMethod { .. } => Some("give what `bulkhead-ca init` was given"),
            Self::Refused => {
                Some("try the passphrase or unseal file of `bulkhead-ca init`; if it is right, restore the file")
            }
            Self::Header(_) => Some("restore the file from a backup"),
            Self::Derive { .. } | Self::Cipher => None,
        }
    }
}

fn associated(header: &[u8], name: &str) -> Aad<Vec<u8>> {
    Aad::from([header, name.as_bytes()].concat())
}

fn sealing_key(by: &Unsealer, method: Method, salt: &[u8]) -> Result<LessSafeKey, SealError> {
    let key = by.derive(method, salt)?;
    UnboundKey::new(&AES_256_GCM, &*key).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> Unsealer {
        Unsealer::from_key([7; 32])
    }

    fn passphrase(text: &str) -> Unsealer {
        Unsealer::from_passphrase(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_secret_only() {
        for (sealed_by, opened_by, opens) in [
            (file(), file(), true),
            (file(), Unsealer::from_key([8; 32]), false),
            (passphrase("correct horse battery"), passphrase("correct horse battery"), true),
            (passphrase("correct horse battery"), passphrase("correct horse batterz"), false),
        ] {
            let sealed = seal(b"key", "root", &sealed_by, &[1; 28]).unwrap();
            let opened = open(&sealed, "root", &opened_by);
            assert_eq!(opened.map(|secret| secret.to_vec()), opens.then(|| b"key".to_vec()).ok_or(SealError::Refused));
        }
    }

    #[test]
    fn a_sealed_key_is_refused_in_anothers_place() {
        let sealed = seal(b"key", "control", &file(), &[1; 28]).unwrap();
        assert_eq!(open(&sealed, "issuing", &file()), Err(SealError::Refused));
    }

    #[test]
    fn an_unseal_file_for_a_passphrase_is_told_apart() {
        let sealed = seal(b"key", "root", &file(), &[1; 28]).unwrap();
        let refused = open(&sealed, "root", &passphrase("correct horse battery"));
        assert!(matches!(refused, Err(SealError::OtherMethod { .. })), "{refused:?}");
    }

    #[test]
    fn nothing_of_the_secret_is_in_the_file() {
        let secret = b"0123456789abcdef0123456789abcdef";
        let sealed = seal(secret, "root", &file(), &[1; 28]).unwrap();
        assert!(!sealed.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sealed = seal(b"key", "root", &file(), &[1; 28]).unwrap();
        for (byte, bit) in (0..sealed.len()).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
            let mut damaged = sealed.clone();
            damaged[byte] ^= 1 << bit;
            assert!(open(&damaged, "root", &file()).is_err(), "bit {bit} of byte {byte}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            prop_assert!(open(&bytes, "root", &file()).is_err());
        }
    }
}
