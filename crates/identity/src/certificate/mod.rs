//! A certificate's fields as they stand in its DER (RFC 5280, section 4.1), before anybody judges them.
//!
//! What is read here is written again and compared: bytes that are valid BER but not DER, and the obsolete unique
//! identifiers, are refused. webpki reads the same bytes when it builds the path, leniently in places; the two readers
//! must never see two different certificates.

mod error;
mod limits;

use aws_lc_rs::digest::{SHA256, digest};
use bulkhead_mesh::{SpkiDigest, Timestamp};
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, UintRef, UtcTime};
use der::{Decode, Encode, Sequence, Tag, Tagged};

pub use error::CertificateError;
pub use limits::Limits;

/// The digest that names the key in this certificate: SHA-256 of its SubjectPublicKeyInfo.
pub fn key_digest(certificate: &[u8], limits: &Limits) -> Result<SpkiDigest, CertificateError> {
    Certificate::read(certificate, limits)?.key_digest()
}

/// A certificate, read strictly.
#[derive(Sequence)]
pub(crate) struct Certificate<'a> {
    pub(crate) body: Body<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// What the issuer signed (TBSCertificate).
#[derive(Sequence)]
pub(crate) struct Body<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    pub(crate) serial: UintRef<'a>,
    algorithm: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity<'a>,
    pub(crate) subject: AnyRef<'a>,
    pub(crate) key: PublicKey<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension<'a>>>,
}

#[derive(Sequence)]
struct Validity<'a> {
    not_before: AnyRef<'a>,
    not_after: AnyRef<'a>,
}

/// SubjectPublicKeyInfo.
#[derive(Sequence)]
pub(crate) struct PublicKey<'a> {
    pub(crate) algorithm: Algorithm<'a>,
    pub(crate) bits: BitStringRef<'a>,
}

/// AlgorithmIdentifier.
#[derive(Sequence)]
pub(crate) struct Algorithm<'a> {
    pub(crate) id: ObjectIdentifier,
    pub(crate) parameters: Option<AnyRef<'a>>,
}

/// One extension (RFC 5280, section 4.2).
#[derive(Sequence)]
pub(crate) struct Extension<'a> {
    pub(crate) id: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    pub(crate) critical: bool,
    value: &'a OctetStringRef,
}

impl<'a> Certificate<'a> {
    /// Reads one certificate; its signature is not looked at.
    pub(crate) fn read(der: &'a [u8], limits: &Limits) -> Result<Self, CertificateError> {
        if der.len() > limits.certificate_bytes {
            return Err(CertificateError::TooLarge { bytes: der.len(), limit: limits.certificate_bytes });
        }
        let certificate = Self::from_der(der)?;
        certificate.check_form(limits)?;
        if certificate.to_der()? == der { Ok(certificate) } else { Err(CertificateError::NotCanonical) }
    }

    /// Every extension, in order.
    pub(crate) fn extensions(&self) -> &[Extension<'a>] {
        self.body.extensions.as_deref().unwrap_or_default()
    }

    /// The value of the one extension with this identifier.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&'a [u8]> {
        self.extensions().iter().find(|extension| extension.id == id).map(|extension| extension.value.as_bytes())
    }

    /// The first second of its validity.
    pub(crate) fn not_before(&self) -> Result<Timestamp, CertificateError> {
        time(self.body.validity.not_before)
    }

    /// The last second of its validity.
    pub(crate) fn not_after(&self) -> Result<Timestamp, CertificateError> {
        time(self.body.validity.not_after)
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    pub(crate) fn key_digest(&self) -> Result<SpkiDigest, CertificateError> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &self.body.key.to_der()?).as_ref());
        Ok(SpkiDigest::from_bytes(bytes))
    }

    fn check_form(&self, limits: &Limits) -> Result<(), CertificateError> {
        if self.body.version != Some(V3) {
            return Err(CertificateError::Version);
        }
        if self.body.algorithm != self.algorithm {
            return Err(CertificateError::Algorithms);
        }
        let extensions = self.extensions();
        if extensions.len() > limits.extensions {
            return Err(CertificateError::TooManyExtensions { found: extensions.len(), limit: limits.extensions });
        }
        let twice = |(position, id)| extensions[..position].iter().any(|earlier: &Extension<'_>| earlier.id == id);
        match extensions.iter().map(|extension| extension.id).enumerate().find(|&found| twice(found)) {
            Some((_, extension)) => Err(CertificateError::Twice { extension }),
            None => Ok(()),
        }
    }
}

/// RFC 5280, section 4.1.2.5: UTCTime through the year 2049, GeneralizedTime in 2050 or later.
fn time(field: AnyRef<'_>) -> Result<Timestamp, CertificateError> {
    let since_epoch = match field.tag() {
        Tag::UtcTime => field.decode_as::<UtcTime>()?.to_unix_duration(),
        Tag::GeneralizedTime => field.decode_as::<GeneralizedTime>()?.to_unix_duration(),
        _ => return Err(CertificateError::Time),
    };
    let moment = Timestamp::EPOCH.plus(since_epoch);
    let fits = (field.tag() == Tag::UtcTime) == (moment < YEAR_2050);
    if fits { Ok(moment) } else { Err(CertificateError::Time) }
}

/// Version 3 is written as 2.
const V3: u8 = 2;
/// 2050-01-01T00:00:00Z.
const YEAR_2050: Timestamp = Timestamp::from_secs(2_524_608_000);
