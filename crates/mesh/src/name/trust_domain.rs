//! Trust domains (SPIFFE ID specification, section 2.1).

use std::str::FromStr;

use super::text::text_form;

/// The name of one mesh's authority, e.g. `prod.example`: 1 to 255 bytes of `a-z`, `0-9`, `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Box<str>);

text_form!(TrustDomain);

impl FromStr for TrustDomain {
    type Err = ParseTrustDomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseTrustDomainError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(ParseTrustDomainError::TooLong { bytes: text.len() });
        }
        match text.chars().find(|&character| !is_allowed(character)) {
            Some(found) => Err(ParseTrustDomainError::Character { text: text.into(), found }),
            None => Ok(Self(text.into())),
        }
    }
}

/// Why a text is not a trust domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseTrustDomainError {
    #[error("a trust domain cannot be empty")]
    Empty,
    #[error("a trust domain has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("trust domain `{text}` contains {found:?}; only a-z, 0-9, `.`, `-` and `_` are allowed")]
    Character { text: String, found: char },
}

fn is_allowed(character: char) -> bool {
    matches!(character, 'a'..='z' | '0'..='9' | '.' | '-' | '_')
}

/// The host part of a URI (RFC 3986, section 3.2.2), which the specification takes as its limit.
const MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_specification_allows() {
        for text in ["prod.example", "a", "10.0.0.1", "under_score", "-", &"a".repeat(255)] {
            assert_eq!(text.parse::<TrustDomain>().map(|domain| domain.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn refuses_what_the_specification_forbids() {
        for text in
            ["", "Prod.example", "prod.example:8443", "user@prod", "prod/", "pr%6fd", "prød", "a b", &"a".repeat(256)]
        {
            assert!(text.parse::<TrustDomain>().is_err(), "{text:?} was accepted");
        }
    }
}
