//! The extensions of a leaf, one by one.

use bulkhead_mesh::{Label, Levels, SpiffeId};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence, Tag, TagNumber, Tagged};

use super::LeafError;
use super::rules::{
    AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE, RULES, Rule, SUBJECT_ALT_NAME,
    SUBJECT_KEY_IDENTIFIER,
};
use crate::certificate::Certificate;
use crate::{NodeBinding, binding, clearance, oid};

/// Checks everything that does not depend on the holder.
pub(super) fn check(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    check_criticality(certificate)?;
    check_basic_constraints(certificate)?;
    if required(certificate, &KEY_USAGE)? != super::KEY_USAGE {
        return Err(LeafError::KeyUsage);
    }
    check_extended_key_usage(certificate)?;
    check_subject_key(certificate)?;
    check_authority_key(certificate)
}

/// The one URI SAN.
pub(super) fn identity(certificate: &Certificate<'_>) -> Result<SpiffeId, LeafError> {
    let value = required(certificate, &SUBJECT_ALT_NAME)?;
    let names = Vec::<AnyRef<'_>>::from_der(value).map_err(|_| SUBJECT_ALT_NAME.malformed())?;
    let uris = names.iter().filter(|name| name.tag() == URI).count();
    let ([name], 1) = (&names[..], uris) else { return Err(LeafError::Names { names: names.len(), uris }) };
    let uri = str::from_utf8(name.value()).map_err(|_| SUBJECT_ALT_NAME.malformed())?;
    Ok(uri.parse()?)
}

/// The label, if the leaf has subjectDirectoryAttributes.
pub(super) fn label(certificate: &Certificate<'_>, levels: &Levels) -> Result<Option<Label>, LeafError> {
    let value = certificate.extension(oid::SUBJECT_DIRECTORY_ATTRIBUTES);
    Ok(value.map(|value| clearance::decode(value, levels)).transpose()?)
}

/// The node binding, if the leaf has one.
pub(super) fn binding(certificate: &Certificate<'_>) -> Result<Option<NodeBinding>, LeafError> {
    Ok(certificate.extension(oid::NODE_BINDING).map(binding::decode).transpose()?)
}

fn check_criticality(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    for extension in certificate.extensions() {
        match RULES.iter().find(|rule| rule.id == extension.id) {
            None if extension.critical => return Err(LeafError::UnknownCritical { extension: extension.id }),
            Some(Rule { name, section: rule, critical: Some(critical), .. }) if *critical != extension.critical => {
                return Err(LeafError::Criticality { name, rule, critical: *critical });
            }
            _ => {}
        }
    }
    Ok(())
}

fn required<'a>(certificate: &Certificate<'a>, rule: &Rule) -> Result<&'a [u8], LeafError> {
    certificate.extension(rule.id).ok_or(LeafError::Missing { name: rule.name, rule: rule.section })
}

fn check_basic_constraints(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    match required(certificate, &BASIC_CONSTRAINTS)? {
        super::BASIC_CONSTRAINTS => Ok(()),
        // An explicit TRUE is the only other thing that a SEQUENCE here can begin with (section 4.2.1.9).
        [0x30, _, 0x01, 0x01, 0xff, ..] => Err(LeafError::CertificateAuthority),
        _ => Err(BASIC_CONSTRAINTS.malformed()),
    }
}

/// webpki accepts a leaf without this extension, and one that allows more.
fn check_extended_key_usage(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    let value = required(certificate, &EXTENDED_KEY_USAGE)?;
    let purposes = Vec::<ObjectIdentifier>::from_der(value).map_err(|_| EXTENDED_KEY_USAGE.malformed())?;
    let both = purposes.contains(&oid::SERVER_AUTH) && purposes.contains(&oid::CLIENT_AUTH);
    if both && purposes.len() == 2 { Ok(()) } else { Err(LeafError::ExtendedKeyUsage) }
}

fn check_subject_key(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    let value = required(certificate, &SUBJECT_KEY_IDENTIFIER)?;
    match <&OctetStringRef>::from_der(value) {
        Ok(identifier) if !identifier.as_bytes().is_empty() => Ok(()),
        _ => Err(SUBJECT_KEY_IDENTIFIER.malformed()),
    }
}

/// AuthorityKeyIdentifier, of which only the identifier is used here: it helps to find the issuer, and proves nothing.
#[derive(Sequence)]
struct AuthorityKey<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    identifier: Option<&'a OctetStringRef>,
}

fn check_authority_key(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    let value = required(certificate, &AUTHORITY_KEY_IDENTIFIER)?;
    match AuthorityKey::from_der(value) {
        Ok(AuthorityKey { identifier: Some(identifier) }) if !identifier.as_bytes().is_empty() => Ok(()),
        _ => Err(AUTHORITY_KEY_IDENTIFIER.malformed()),
    }
}

/// uniformResourceIdentifier \[6\] IA5String, of GeneralName.
const URI: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(6) };
