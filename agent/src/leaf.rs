//! What the agent reads in a certificate that it was given: for whom it is and how long.
//!
//! It is not verified here: it came from the CA over a verified connection, and whether it is believed is decided by
//! each peer. Its label is not read either, because an agent need not know the mesh's levels.

use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::{SpiffeId, Timestamp};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// For whom a certificate is and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The one name.
    pub id: SpiffeId,
    /// The first moment of its validity.
    pub not_before: Timestamp,
    /// The last moment of its validity.
    pub not_after: Timestamp,
}

/// Why a certificate is of no use.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LeafError {
    #[error("the certificate is not X.509 in DER")]
    Malformed,
    #[error("the certificate has {uris} URIs as names instead of one")]
    Names { uris: usize },
    #[error("the certificate's name is not a SPIFFE ID")]
    Id(#[from] ParseSpiffeIdError),
    #[error("the certificate's times lie before 1970")]
    Times,
}

impl Leaf {
    /// Reads a certificate in DER.
    pub fn read(der: &[u8]) -> Result<Self, LeafError> {
        let Ok((&[], certificate)) = X509Certificate::from_der(der) else { return Err(LeafError::Malformed) };
        let validity = certificate.validity();
        Ok(Self {
            id: only_uri(&certificate)?.parse()?,
            not_before: moment(validity.not_before.timestamp())?,
            not_after: moment(validity.not_after.timestamp())?,
        })
    }
}

fn only_uri<'a>(certificate: &'a X509Certificate<'_>) -> Result<&'a str, LeafError> {
    let names = certificate.subject_alternative_name().map_err(|_| LeafError::Malformed)?;
    let uris: Vec<&str> = names.iter().flat_map(|names| &names.value.general_names).filter_map(uri).collect();
    match uris[..] {
        [uri] => Ok(uri),
        _ => Err(LeafError::Names { uris: uris.len() }),
    }
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

fn moment(seconds: i64) -> Result<Timestamp, LeafError> {
    u64::try_from(seconds).map(Timestamp::from_secs).map_err(|_| LeafError::Times)
}
