//! The extension in an intermediate that says which purposes it may sign for.
//!
//! ```text
//! IssuerScope ::= BIT STRING { workload(0), node(1), operator(2), control(3) }
//! ```
//!
//! The root signs it, so a stolen issuing key cannot pose as the CA, the feed or an operator. It is not critical,
//! since other verifiers refuse a critical extension that they do not know; ours demands it: an intermediate without
//! it may sign nothing.

use std::fmt;

use bulkhead_mesh::Purpose;
use der::asn1::BitStringRef;
use der::{Decode, Encode};

/// What an identity is for, without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PurposeKind {
    /// A workload, bit 0.
    Workload,
    /// A node, bit 1.
    Node,
    /// An operator, bit 2.
    Operator,
    /// The authority itself, bit 3.
    Control,
}

/// A set of purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IssuerScope {
    /// Bit 0 of the BIT STRING is the highest bit, as in its encoding.
    bits: u8,
}

impl PurposeKind {
    /// Every kind, in the order of their bits.
    pub const ALL: [Self; 4] = [Self::Workload, Self::Node, Self::Operator, Self::Control];

    /// The kind of `purpose`.
    pub const fn of(purpose: &Purpose) -> Self {
        match purpose {
            Purpose::Workload(_) => Self::Workload,
            Purpose::Node(_) => Self::Node,
            Purpose::Operator(_) => Self::Operator,
            Purpose::Control(_) => Self::Control,
        }
    }

    /// The kind as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Node => "node",
            Self::Operator => "operator",
            Self::Control => "control",
        }
    }

    const fn bit(self) -> u8 {
        0x80 >> self as u8
    }
}

impl fmt::Display for PurposeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl IssuerScope {
    /// What the issuing intermediate may sign: workloads and nodes.
    pub const ISSUING: Self = Self::new(&[PurposeKind::Workload, PurposeKind::Node]);
    /// What the control intermediate may sign: operators and the authority itself.
    pub const CONTROL: Self = Self::new(&[PurposeKind::Operator, PurposeKind::Control]);

    /// The set of these kinds.
    pub const fn new(kinds: &[PurposeKind]) -> Self {
        let (mut bits, mut position) = (0, 0);
        while position < kinds.len() {
            bits |= kinds[position].bit();
            position += 1;
        }
        Self { bits }
    }

    /// Whether `kind` is in the set.
    pub const fn includes(self, kind: PurposeKind) -> bool {
        self.bits & kind.bit() != 0
    }

    /// The kinds in the set.
    pub fn kinds(self) -> impl Iterator<Item = PurposeKind> {
        PurposeKind::ALL.into_iter().filter(move |&kind| self.includes(kind))
    }

    /// The value of an IssuerScope extension: a named-bit list, without trailing zero bits (X.690, section 11.2.2).
    pub fn encode(self) -> Result<Vec<u8>, ScopeError> {
        let octets = [self.bits];
        let list = match u8::try_from(self.bits.trailing_zeros()) {
            Ok(unused @ 0..8) => BitStringRef::new(unused, &octets)?,
            _ => BitStringRef::new(0, &[])?,
        };
        Ok(list.to_der()?)
    }

    /// Reads the value of an IssuerScope extension; an unknown purpose is refused, not skipped.
    pub fn decode(extension: &[u8]) -> Result<Self, ScopeError> {
        let list = BitStringRef::from_der(extension)?;
        if let Some(bit) = list.bits().skip(PurposeKind::ALL.len()).position(|set| set) {
            return Err(ScopeError::UnknownPurpose { bit: bit + PurposeKind::ALL.len() });
        }
        let scope = Self { bits: list.raw_bytes().first().copied().unwrap_or(0) };
        if scope.encode()? == extension { Ok(scope) } else { Err(ScopeError::NotCanonical) }
    }
}

impl fmt::Display for IssuerScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds().map(PurposeKind::as_str).collect();
        f.write_str(if kinds.is_empty() { "nothing".into() } else { kinds.join(", ") }.as_str())
    }
}

/// Why bytes are not an issuer's scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ScopeError {
    #[error("the issuer's scope is not DER")]
    Der(#[from] der::Error),
    #[error("the issuer's scope sets bit {bit}, a purpose that this version does not know")]
    UnknownPurpose { bit: usize },
    #[error("the issuer's scope is not written as DER demands (X.690, section 11.2.2)")]
    NotCanonical,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::bytes_of;

    #[test]
    fn matches_what_an_independent_encoder_writes() {
        // The hex is the output of crates/identity/tests/vectors.py (pyasn1's DER encoder).
        for (scope, hex) in [
            (IssuerScope::ISSUING, "030206c0"),
            (IssuerScope::CONTROL, "03020430"),
            (IssuerScope::new(&[PurposeKind::Workload]), "03020780"),
            (IssuerScope::new(&[]), "030100"),
        ] {
            assert_eq!(scope.encode().unwrap(), bytes_of(hex), "{scope}");
            assert_eq!(IssuerScope::decode(&bytes_of(hex)), Ok(scope));
        }
    }

    #[test]
    fn what_is_not_a_scope_is_refused() {
        assert_eq!(IssuerScope::decode(&bytes_of("03020308")), Err(ScopeError::UnknownPurpose { bit: 4 }));
        assert_eq!(IssuerScope::decode(&bytes_of("030300c001")), Err(ScopeError::UnknownPurpose { bit: 15 }));
        assert_eq!(IssuerScope::decode(&bytes_of("030204c0")), Err(ScopeError::NotCanonical), "trailing zero bits");
        assert_eq!(IssuerScope::decode(&bytes_of("030306c000")), Err(ScopeError::NotCanonical), "an octet too many");
        for hex in ["", "0302", "0401c0", "030208c0", "030206c000", "030206c1"] {
            assert!(IssuerScope::decode(&bytes_of(hex)).is_err(), "{hex}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(picked in prop::sample::subsequence(PurposeKind::ALL.to_vec(), 0..=4)) {
            let scope = IssuerScope::new(&picked);
            prop_assert_eq!(IssuerScope::decode(&scope.encode().unwrap()), Ok(scope));
            prop_assert_eq!(scope.kinds().collect::<Vec<_>>(), picked);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, bits: [u8; 3]) {
            let _ = IssuerScope::decode(&bytes);
            let _ = IssuerScope::decode(&[3, 2, bits[0], bits[1]]);
            let _ = IssuerScope::decode(&[3, 3, bits[0], bits[1], bits[2]]);
        }
    }
}
