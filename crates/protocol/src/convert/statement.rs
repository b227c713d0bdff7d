//! Bodies of facts between the wire and the mesh.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead_mesh::{Policy, SpkiDigest};
use prost::Message;

use super::{ConvertError, read_bytes};
use crate::feed::{Limits, SignedFact, Statement};
use crate::v1::{self, fact_body::Body};

impl Statement {
    /// Reads what a fact says. Whatever this version would not understand to the last field is refused: half a fact is
    /// another fact.
    pub fn decode(fact: &SignedFact, limits: &Limits) -> Result<Self, StatementError> {
        check_limit("bytes of one fact", fact.body().len(), limits.body_bytes)?;
        let message = v1::FactBody::decode(fact.body())?;
        // Protobuf skips fields that it does not know, so what was read is written again and compared.
        let familiar = message.encode_to_vec() == fact.body();
        match message.body.filter(|_| familiar).ok_or(StatementError::Unfamiliar)? {
            Body::Policy(json) => Ok(Self::Policy(Arc::new(serde_json::from_str(&json)?))),
            Body::Issuers(issuers) => read_issuers(&issuers, limits).map(Arc::new).map(Self::Issuers),
            Body::Cutoff(cutoff) => Ok(Self::Cutoff(cutoff.try_into()?)),
        }
    }

    /// Writes the body of a fact that says this.
    pub fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Policy(policy) => Body::Policy(policy_json(policy)),
            Self::Issuers(issuers) => Body::Issuers(write_issuers(issuers)),
            Self::Cutoff(cutoff) => Body::Cutoff(cutoff.into()),
        };
        v1::FactBody { body: Some(body) }.encode_to_vec()
    }
}

/// The document of a policy in JSON, as it travels.
pub fn policy_json(policy: &Policy) -> String {
    serde_json::to_string(policy.document()).expect("a document is texts and numbers under textual keys")
}

fn read_issuers(message: &v1::Issuers, limits: &Limits) -> Result<BTreeSet<SpkiDigest>, StatementError> {
    check_limit("accepted issuers", message.spki_digests.len(), limits.issuers)?;
    let digest = |bytes: &Vec<u8>| read_bytes("issuers.spki_digests", bytes).map(SpkiDigest::from_bytes);
    Ok(message.spki_digests.iter().map(digest).collect::<Result<_, _>>()?)
}

fn write_issuers(issuers: &BTreeSet<SpkiDigest>) -> v1::Issuers {
    v1::Issuers { spki_digests: issuers.iter().map(|digest| digest.as_bytes().to_vec()).collect() }
}

fn check_limit(limit: &'static str, found: usize, most: usize) -> Result<(), StatementError> {
    (found <= most).then_some(()).ok_or(StatementError::Limit { limit, found, most })
}

/// Why a signed body says nothing that this version can hold to.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum StatementError {
    #[error("there are {found} {limit}; at most {most} are taken")]
    Limit { limit: &'static str, found: usize, most: usize },
    #[error("it is not protobuf")]
    Wire(#[from] prost::DecodeError),
    #[error("it is of a kind, or has a field, that this version does not know")]
    Unfamiliar,
    #[error("it has a field without a meaning")]
    Field(#[from] ConvertError),
    #[error("its policy is not valid")]
    Policy(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::testing::{cutoff, signed};

    fn decode(body: &[u8]) -> Result<Statement, StatementError> {
        Statement::decode(&signed(body), &Limits::default())
    }

    fn body(body: Body) -> Vec<u8> {
        v1::FactBody { body: Some(body) }.encode_to_vec()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let issuers = [[1; 32], [2; 32]].map(SpkiDigest::from_bytes);
        for statement in [
            Statement::Policy(Arc::new(Policy::default())),
            Statement::Issuers(Arc::new(issuers.into())),
            Statement::Issuers(Arc::default()),
            Statement::Cutoff(cutoff("n1", 9)),
        ] {
            assert_eq!(decode(&statement.encode()).unwrap(), statement);
        }
    }

    #[test]
    fn an_unknown_kind_of_record_is_refused() {
        assert!(matches!(decode(b""), Err(StatementError::Unfamiliar)));
        // Field 15, a varint: a kind that a later version may have.
        assert!(matches!(decode(&[0x78, 0x01]), Err(StatementError::Unfamiliar)));
        let lift = v1::Cutoff { subject: None, reason: "lifted".into(), bound_millis: 1 };
        assert!(matches!(decode(&body(Body::Cutoff(lift))), Err(StatementError::Field(_))));
    }

    #[test]
    fn a_known_kind_with_an_unknown_field_is_refused() {
        let mut bytes = Statement::Cutoff(cutoff("n1", 9)).encode();
        bytes.extend([0x78, 0x01]);
        assert!(matches!(decode(&bytes), Err(StatementError::Unfamiliar)));
    }

    #[test]
    fn what_is_not_valid_is_refused_by_its_kind() {
        let unknown_setting = body(Body::Policy(r#"{"allow-all":true}"#.into()));
        assert!(matches!(decode(&unknown_setting), Err(StatementError::Policy(_))));
        let short = v1::Issuers { spki_digests: vec![vec![1; 31]] };
        assert!(matches!(decode(&body(Body::Issuers(short))), Err(StatementError::Field(_))));
        let many = v1::Issuers { spki_digests: vec![vec![1; 32]; 65] };
        assert!(matches!(decode(&body(Body::Issuers(many))), Err(StatementError::Limit { found: 65, most: 64, .. })));
        let long = body(Body::Policy(" ".repeat(3 << 20)));
        assert!(matches!(decode(&long), Err(StatementError::Limit { .. })));
        assert!(matches!(decode(b"\xff"), Err(StatementError::Wire(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn no_policy_text_makes_the_reader_panic(text in ".*") {
            let _ = decode(&body(Body::Policy(text)));
        }
    }
}
