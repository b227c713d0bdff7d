//! The extensions that the profile knows, and whether each is critical.

use der::asn1::ObjectIdentifier;

use super::LeafError;
use crate::oid;

/// What must be true of an extension wherever it stands.
pub(super) struct Rule {
    pub(super) id: ObjectIdentifier,
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// `None` where the profile allows both.
    pub(super) critical: Option<bool>,
}

impl Rule {
    /// The error of a value that cannot be read.
    pub(super) const fn malformed(&self) -> LeafError {
        LeafError::Malformed { name: self.name, rule: self.section }
    }
}

pub(super) const SUBJECT_ALT_NAME: Rule = Rule {
    id: oid::SUBJECT_ALT_NAME,
    name: "subjectAltName",
    section: "RFC 5280, section 4.2.1.6",
    // Because the subject is empty.
    critical: Some(true),
};
pub(super) const BASIC_CONSTRAINTS: Rule =
    Rule { id: oid::BASIC_CONSTRAINTS, name: "basicConstraints", section: "RFC 5280, section 4.2.1.9", critical: None };
pub(super) const KEY_USAGE: Rule =
    Rule { id: oid::KEY_USAGE, name: "keyUsage", section: "X.509-SVID, section 4.3", critical: Some(true) };
pub(super) const EXTENDED_KEY_USAGE: Rule =
    Rule { id: oid::EXTENDED_KEY_USAGE, name: "extKeyUsage", section: "RFC 5280, section 4.2.1.12", critical: None };
pub(super) const SUBJECT_KEY_IDENTIFIER: Rule = Rule {
    id: oid::SUBJECT_KEY_IDENTIFIER,
    name: "subjectKeyIdentifier",
    section: "RFC 5280, section 4.2.1.2",
    critical: Some(false),
};
pub(super) const AUTHORITY_KEY_IDENTIFIER: Rule = Rule {
    id: oid::AUTHORITY_KEY_IDENTIFIER,
    name: "authorityKeyIdentifier",
    section: "RFC 5280, section 4.2.1.1",
    critical: Some(false),
};
const SUBJECT_DIRECTORY_ATTRIBUTES: Rule = Rule {
    id: oid::SUBJECT_DIRECTORY_ATTRIBUTES,
    name: "subjectDirectoryAttributes",
    section: "RFC 5280, section 4.2.1.8",
    critical: Some(false),
};
const NODE_BINDING: Rule = Rule {
    id: oid::NODE_BINDING,
    name: "NodeBinding",
    section: "leaf profile of this mesh",
    // Verifiers outside the mesh refuse a critical extension that they do not know.
    critical: Some(false),
};

/// Every extension of the profile. A leaf may have others, as long as none of them is critical.
pub(super) const RULES: [Rule; 8] = [
    SUBJECT_ALT_NAME,
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    SUBJECT_KEY_IDENTIFIER,
    AUTHORITY_KEY_IDENTIFIER,
    SUBJECT_DIRECTORY_ATTRIBUTES,
    NODE_BINDING,
];
