//! What can be wrong with a leaf; each sentence names the rule.

use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::{NodeEpoch, NodeName, Purpose, SpiffeId, Timestamp};
use der::asn1::ObjectIdentifier;

use crate::binding::BindingError;
use crate::certificate::CertificateError;
use crate::clearance::ClearanceError;

/// Why a certificate is not a leaf of this mesh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LeafError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(
        "the serial number has {octets} octets or a wrong first bit; it must be 128 bits that begin with 01 (RFC 5280, section 4.1.2.2)"
    )]
    Serial { octets: usize },
    #[error("the validity ends ({not_after}) before it begins ({not_before}) (RFC 5280, section 4.1.2.5)")]
    Validity { not_before: Timestamp, not_after: Timestamp },
    #[error("the subject is not empty; the name of a leaf is its URI SAN alone")]
    Subject,
    #[error("the key ({algorithm}) is not an uncompressed point on P-256 (RFC 5480, section 2)")]
    Key { algorithm: ObjectIdentifier },
    #[error("the extension {extension} is critical and unknown (RFC 5280, section 4.2)")]
    UnknownCritical { extension: ObjectIdentifier },
    #[error("the extension {name} is missing ({rule})")]
    Missing { name: &'static str, rule: &'static str },
    #[error("the extension {name} must{} be critical ({rule})", if *.critical { "" } else { " not" })]
    Criticality { name: &'static str, rule: &'static str, critical: bool },
    #[error("the extension {name} is malformed ({rule})")]
    Malformed { name: &'static str, rule: &'static str },
    #[error("the certificate is that of a CA; a leaf says CA:FALSE (RFC 5280, section 4.2.1.9)")]
    CertificateAuthority,
    #[error("keyUsage must be digitalSignature alone (RFC 5280, section 4.2.1.3)")]
    KeyUsage,
    #[error("extKeyUsage must be serverAuth and clientAuth, no less and no more (RFC 5280, section 4.2.1.12)")]
    ExtendedKeyUsage,
    #[error("subjectAltName holds {names} names, {uris} of them URIs; a leaf has one, a URI (X.509-SVID, section 2)")]
    Names { names: usize, uris: usize },
    #[error("the URI SAN is not a SPIFFE ID")]
    Id(#[from] ParseSpiffeIdError),
    #[error("`{id}` is the name of no workload, node, operator or control role")]
    NoPurpose { id: SpiffeId },
    #[error("the label cannot be read")]
    Label(#[from] ClearanceError),
    #[error("the node binding cannot be read")]
    Binding(#[from] BindingError),
    #[error("a leaf for `{purpose}` must{} have a {what}", if *.wanted { "" } else { " not" })]
    Presence { purpose: Purpose, what: &'static str, wanted: bool },
    #[error("the leaf of node `{name}` is bound to node `{}`", .bound.node)]
    AnotherNode { name: NodeName, bound: NodeEpoch },
}
