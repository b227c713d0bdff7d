//! What a leaf will say, decided by the evidence; nothing of it is signed yet.

use std::marker::PhantomData;
use std::time::Duration;

use bulkhead_identity::binding::BindingError;
use bulkhead_identity::clearance::ClearanceError;
use bulkhead_identity::{LeafContent, NodeBinding, binding, clearance, oid};
use bulkhead_mesh::name::ParseSpiffeIdError;
use bulkhead_mesh::{
    ControlRole, InstanceId, Label, Levels, NodeEpoch, OperatorName, Purpose, Timestamp, TrustDomain, WorkloadName,
};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    SerialNumber,
};

use crate::authority::{Control, Issuing, Terms};
use crate::csr::RequestedKey;

/// A leaf to be: its content, its key and its terms. `S` is the intermediate that may sign it, so that a draft of an
/// operator's certificate cannot even be shown to the issuing key:
///
/// ```compile_fail,E0308
/// # use bulkhead_ca::{authority::{Authority, Control}, draft::Draft, lint::lint};
/// # use bulkhead_mesh::Levels;
/// fn mint(operator: Draft<Control>, authority: &Authority) {
///     lint(operator, authority.issuing(), &Levels::default());
/// }
/// ```
#[derive(Debug)]
pub struct Draft<S> {
    pub(crate) content: LeafContent,
    pub(crate) key: RequestedKey,
    pub(crate) terms: Terms,
    scope: PhantomData<S>,
}

/// A running copy of a workload, as the evidence proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Its account.
    pub name: WorkloadName,
    /// Its sensitivity.
    pub label: Label,
    /// The node that it runs on.
    pub node: NodeEpoch,
    /// Which copy.
    pub instance: InstanceId,
}

impl Draft<Issuing> {
    /// A workload's leaf.
    pub fn workload(
        domain: &TrustDomain,
        facts: WorkloadFacts,
        key: RequestedKey,
        terms: Terms,
    ) -> Result<Self, DraftError> {
        let WorkloadFacts { name, label, node, instance } = facts;
        let id = Purpose::Workload(name).id(domain)?;
        Ok(Self::of(LeafContent { id, label: Some(label), node: Some(node), instance: Some(instance) }, key, terms))
    }

    /// A node's own certificate, bound to its present life.
    pub fn node(domain: &TrustDomain, node: NodeEpoch, key: RequestedKey, terms: Terms) -> Result<Self, DraftError> {
        let id = Purpose::Node(node.node.clone()).id(domain)?;
        Ok(Self::of(LeafContent { id, label: None, node: Some(node), instance: None }, key, terms))
    }
}

impl Draft<Control> {
    /// An operator's certificate.
    pub fn operator(
        domain: &TrustDomain,
        name: OperatorName,
        key: RequestedKey,
        terms: Terms,
    ) -> Result<Self, DraftError> {
        Self::named_only(domain, &Purpose::Operator(name), key, terms)
    }

    /// A certificate of the authority itself.
    pub fn control(
        domain: &TrustDomain,
        role: ControlRole,
        key: RequestedKey,
        terms: Terms,
    ) -> Result<Self, DraftError> {
        Self::named_only(domain, &Purpose::Control(role), key, terms)
    }

    fn named_only(domain: &TrustDomain, name: &Purpose, key: RequestedKey, terms: Terms) -> Result<Self, DraftError> {
        Ok(Self::of(LeafContent { id: name.id(domain)?, label: None, node: None, instance: None }, key, terms))
    }
}

impl<S> Draft<S> {
    fn of(content: LeafContent, key: RequestedKey, terms: Terms) -> Self {
        Self { content, key, terms, scope: PhantomData }
    }

    /// The leaf as rcgen builds it: every field stated, none left to a default.
    pub(crate) fn parameters(&self, levels: &Levels) -> Result<CertificateParams, DraftError> {
        let mut leaf = CertificateParams::default();
        leaf.serial_number = Some(SerialNumber::from_slice(self.terms.serial.as_bytes()));
        set_validity(&mut leaf, self.terms.not_before, self.terms.not_after)?;
        // With an empty subject rcgen marks the SAN as critical, as RFC 5280, section 4.2.1.6, demands.
        leaf.distinguished_name = DistinguishedName::new();
        leaf.subject_alt_names = vec![SanType::URI(Ia5String::try_from(self.content.id.to_string())?)];
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        leaf.custom_extensions = self.own_extensions(levels)?;
        Ok(leaf)
    }

    /// The label and the binding. Both are non-critical: software outside the mesh must be able to read the leaf.
    fn own_extensions(&self, levels: &Levels) -> Result<Vec<CustomExtension>, DraftError> {
        let mut extensions = Vec::new();
        if let Some(label) = &self.content.label {
            extensions
                .push(extension(&oid::arcs(&oid::SUBJECT_DIRECTORY_ATTRIBUTES), clearance::encode(label, levels)?));
        }
        if let Some(node) = self.content.node.clone() {
            let binding = binding::encode(&NodeBinding { node, instance: self.content.instance })?;
            extensions.push(extension(&oid::arcs(&oid::NODE_BINDING), binding));
        }
        Ok(extensions)
    }
}

/// Why a draft cannot be written down.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum DraftError {
    #[error("the name makes no SPIFFE ID")]
    Id(#[from] ParseSpiffeIdError),
    #[error("the label cannot be written")]
    Label(#[from] ClearanceError),
    #[error("the node binding cannot be written")]
    Binding(#[from] BindingError),
    #[error("{moment} is later than a certificate can say (RFC 5280, section 4.1.2.5)")]
    Late { moment: Timestamp },
    #[error("the certificate cannot be built")]
    Build(#[from] rcgen::Error),
}

/// A non-critical extension.
pub(crate) fn extension(arcs: &[u64], value: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(arcs, value)
}

/// Sets the first and the last second of a certificate's validity.
pub(crate) fn set_validity(
    certificate: &mut CertificateParams,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(), DraftError> {
    if let Some(moment) = [not_before, not_after].into_iter().find(|&moment| moment > LAST_MOMENT) {
        return Err(DraftError::Late { moment });
    }
    let since_1970 = |moment: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(moment.as_secs());
    certificate.not_before = since_1970(not_before);
    certificate.not_after = since_1970(not_after);
    Ok(())
}

/// 9999-12-31T23:59:59Z (RFC 5280, section 4.1.2.5).
const LAST_MOMENT: Timestamp = Timestamp::from_secs(253_402_300_799);
