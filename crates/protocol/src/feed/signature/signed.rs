//! What was verified, or signed here: made in the parent module and nowhere else.

use crate::feed::Position;
use crate::v1;

/// A fact whose signature is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedFact {
    pub(super) position: Position,
    pub(super) body: Box<[u8]>,
    pub(super) signature: Box<[u8]>,
}

/// The body of an address whose signature is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBody(pub(super) Box<[u8]>);

impl SignedFact {
    /// Where in the history it stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What it says, encoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The signature, ASN.1 in DER.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The fact as it travels and as it is stored.
    pub fn to_wire(&self) -> v1::Fact {
        let v1::Position { incarnation, n } = self.position.into();
        v1::Fact { incarnation, n, body: self.body.to_vec(), signature: self.signature.to_vec() }
    }
}

impl SignedBody {
    /// What was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
