//! A certificate's record: written before the certificate leaves the CA.

use bulkhead_mesh::{Credential, InstanceId, NodeEpoch, Serial, SpiffeId, SpkiDigest, Timestamp};

use crate::sign::Certificate;

/// One certificate that the CA signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Its serial number.
    pub serial: Serial,
    /// Its one URI SAN.
    pub id: SpiffeId,
    /// The life of the node that it is bound to, a node's own certificate included.
    pub node: Option<NodeEpoch>,
    /// The instance of a workload's certificate.
    pub instance: Option<InstanceId>,
    /// The intermediate that signed it.
    pub issuer: SpkiDigest,
    /// Its public key.
    pub key: SpkiDigest,
    /// When it was issued: its `notBefore` without the backdating.
    pub issued_at: Timestamp,
    /// Its `notAfter`.
    pub not_after: Timestamp,
}

impl CertificateRecord {
    /// The record of a certificate that was signed.
    pub fn of(certificate: &Certificate) -> Self {
        let Credential { id, node, instance, serial, issuer, issued_at, not_after } = certificate.credential();
        Self { serial, id, node, instance, issuer, key: certificate.key(), issued_at, not_after }
    }

    /// What a cutoff looks at.
    pub fn credential(&self) -> Credential {
        Credential {
            id: self.id.clone(),
            node: self.node.clone(),
            instance: self.instance,
            serial: self.serial,
            issuer: self.issuer,
            issued_at: self.issued_at,
            not_after: self.not_after,
        }
    }
}
