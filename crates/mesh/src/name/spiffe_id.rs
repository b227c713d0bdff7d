//! SPIFFE IDs (SPIFFE ID specification, section 2).

use std::fmt;
use std::str::FromStr;

use super::text::serde_by_text;
use super::trust_domain::{ParseTrustDomainError, TrustDomain};

/// A SPIFFE ID with a path, e.g. `spiffe://prod.example/ns/shop/sa/web`; at most 2048 bytes.
///
/// An ID without a path names a whole trust domain and never a caller, so it is not a value of this type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    trust_domain: TrustDomain,
    /// With its leading slash.
    path: Box<str>,
}

impl SpiffeId {
    /// The ID with this path, which begins with a slash.
    pub fn new(trust_domain: TrustDomain, path: &str) -> Result<Self, ParseSpiffeIdError> {
        let bytes = SCHEME.len() + trust_domain.as_str().len() + path.len();
        if bytes > MAX_BYTES {
            return Err(ParseSpiffeIdError::TooLong { bytes });
        }
        check_path(path)?;
        Ok(Self { trust_domain, path: path.into() })
    }

    /// The authority that vouches for this ID.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The path, with its leading slash.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.trust_domain, self.path)
    }
}

impl FromStr for SpiffeId {
    type Err = ParseSpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_BYTES {
            return Err(ParseSpiffeIdError::TooLong { bytes: text.len() });
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| ParseSpiffeIdError::Scheme { text: text.into() })?;
        let path_start = rest.find('/').ok_or(ParseSpiffeIdError::NoPath)?;
        let (trust_domain, path) = rest.split_at(path_start);
        Self::new(trust_domain.parse()?, path)
    }
}

serde_by_text!(SpiffeId);

/// Why a text is not a SPIFFE ID of a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseSpiffeIdError {
    #[error("`{text}` does not begin with `{SCHEME}`")]
    Scheme { text: String },
    #[error("a SPIFFE ID has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("a SPIFFE ID without a path names no workload, node or operator")]
    NoPath,
    #[error("the trust domain is not valid")]
    TrustDomain(#[from] ParseTrustDomainError),
    #[error("path `{path}` must begin with `/` and must not end with it")]
    Slash { path: String },
    #[error("path `{path}` has the segment `{segment}`, which is empty or relative")]
    Segment { path: String, segment: String },
    #[error("path `{path}` contains {found:?}; only letters, digits, `.`, `-` and `_` are allowed between slashes")]
    Character { path: String, found: char },
}

/// Section 2.2: segments of `[a-zA-Z0-9.-_]`, none empty, none `.` or `..`, no percent-encoding, no trailing slash.
fn check_path(path: &str) -> Result<(), ParseSpiffeIdError> {
    let Some(segments) = path.strip_prefix('/').filter(|rest| !rest.is_empty() && !rest.ends_with('/')) else {
        return Err(ParseSpiffeIdError::Slash { path: path.into() });
    };
    segments.split('/').try_for_each(|segment| check_segment(path, segment))
}

fn check_segment(path: &str, segment: &str) -> Result<(), ParseSpiffeIdError> {
    if matches!(segment, "" | "." | "..") {
        return Err(ParseSpiffeIdError::Segment { path: path.into(), segment: segment.into() });
    }
    match segment.chars().find(|&character| !is_segment_character(character)) {
        Some(found) => Err(ParseSpiffeIdError::Character { path: path.into(), found }),
        None => Ok(()),
    }
}

/// Whether a path segment may contain this character.
pub(super) fn is_segment_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_')
}

const SCHEME: &str = "spiffe://";
/// SPIFFE ID specification, section 2.3.
const MAX_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_what_the_specification_allows() {
        for text in [
            "spiffe://prod.example/ns/shop/sa/web",
            "spiffe://td/A",
            "spiffe://td/a.b/c-d/e_f/...",
            "spiffe://1.2.3.4/x",
        ] {
            assert_eq!(text.parse::<SpiffeId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn refuses_what_the_specification_forbids() {
        let too_long = format!("spiffe://td/{}", "a".repeat(2037));
        for text in [
            "",
            "spiffe:",
            "spiffe://",
            "spiffe:///x",
            "spiffe://td",
            "spiffe://td/",
            "spiffe://td/a/",
            "spiffe://td//a",
            "spiffe://td/./a",
            "spiffe://td/a/..",
            "spiffe://td/a%20b",
            "spiffe://td/a?x=1",
            "spiffe://td/a#b",
            "spiffe://td:80/a",
            "spiffe://u@td/a",
            "spiffe://TD/a",
            "SPIFFE://td/a",
            "https://td/a",
            " spiffe://td/a",
            "spiffe://td/é",
            &too_long,
        ] {
            assert!(text.parse::<SpiffeId>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn the_longest_id_has_2048_bytes() {
        let longest = format!("spiffe://td/{}", "a".repeat(2036));
        assert_eq!((longest.len(), longest.parse::<SpiffeId>().is_ok()), (2048, true));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(text in "spiffe://[a-z0-9._-]{1,20}(/[a-zA-Z0-9_-]{1,8}){1,5}") {
            let id: SpiffeId = text.parse().unwrap();
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<SpiffeId>();
        }
    }
}
