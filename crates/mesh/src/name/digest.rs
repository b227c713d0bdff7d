//! Names that are bytes: instances, certificate serials and digests of public keys, all written in lower-case hex.

use std::fmt;
use std::str::FromStr;

use super::text::serde_by_text;

/// Declares a newtype over `N` bytes that is written in hex.
macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The name that these bytes are.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes of this name.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }

        serde_by_text!($name);
    };
}

hex_name!(
    /// One running copy of a workload, as the CA fixed it: a registration's on a host, the pod's UID in a cluster.
    InstanceId, 16);
hex_name!(
    /// The serial number of a certificate of this mesh: 128 random bits, most significant byte first, the first bit 0
    /// and the second 1, so that every serial is positive and has the same length in DER (RFC 5280, section 4.1.2.2).
    Serial, 16);
hex_name!(
    /// SHA-256 of a certificate's SubjectPublicKeyInfo in DER: the name of an issuer that nobody else can carry.
    SpkiDigest, 32);

impl Serial {
    /// Makes a serial of 16 random bytes by fixing the two highest bits.
    pub const fn from_random(mut random: [u8; 16]) -> Self {
        random[0] = random[0] & 0x3f | 0x40;
        Self(random)
    }
}

/// Why a text is not hex of the right length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected} hexadecimal digits")]
pub struct ParseHexError {
    text: String,
    expected: usize,
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
    let refuse = || ParseHexError { text: text.into(), expected: 2 * N };
    if text.len() != 2 * N {
        return Err(refuse());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = hex_digit(pair[0]).zip(hex_digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(refuse)?;
    }
    Ok(bytes)
}

fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bytes: [u8; 16]) {
            let instance = InstanceId::from_bytes(bytes);
            prop_assert_eq!(instance.to_string().parse(), Ok(instance));
        }

        #[test]
        fn random_serials_are_positive_and_of_one_length(bytes: [u8; 16]) {
            let first = Serial::from_random(bytes).as_bytes()[0];
            prop_assert!((0x40..0x80).contains(&first));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<SpkiDigest>();
        }
    }
}
