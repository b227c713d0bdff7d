//! What the API server calls an object by for ever: a later object of the same name has another UID.

use std::fmt;
use std::str::FromStr;

/// A UID in the form of a UUID, as the API server makes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid([u8; 16]);

impl Uid {
    /// The UID with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if DASHES.contains(&position) { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

impl FromStr for Uid {
    type Err = ParseUidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseUidError { text: text.chars().take(64).collect() };
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        let number = u128::from_str_radix(&digits, 16).map_err(|_| refuse())?;
        let read = Self(number.to_be_bytes());
        // Whatever is not written as we would write it is another text.
        if read.to_string() == text { Ok(read) } else { Err(refuse()) }
    }
}

/// A text is no UID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a UID in the form `123e4567-e89b-12d3-a456-426614174000`")]
pub struct ParseUidError {
    text: String,
}

/// A dash stands before these bytes (RFC 9562, section 4).
const DASHES: [usize; 4] = [4, 6, 8, 10];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: [u8; 16]) {
            let uid = Uid::from_bytes(bytes);
            prop_assert_eq!(uid.to_string().parse(), Ok(uid));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,60}") {
            let _ = text.parse::<Uid>();
        }
    }

    #[test]
    fn only_one_form_is_read() {
        for text in [
            "",
            "-",
            "123e4567e89b12d3a456426614174000",
            "123E4567-E89B-12D3-A456-426614174000",
            "123e4567-e89b-12d3-a456-4266141740001",
            "+23e4567-e89b-12d3-a456-426614174000",
        ] {
            assert!(text.parse::<Uid>().is_err(), "{text:?}");
        }
    }
}
