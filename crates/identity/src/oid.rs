//! Object identifiers: our own, in one arc, and those of the standards that a leaf contains.
//!
//! The arc is made from the random UUID 8b38e57c-ca5e-4348-be72-8b6a73d79a4d below Microsoft's 1.2.840.113556.1.8000.2554,
//! in the customary parts of 16, 16, 16, 16, 16, 24 and 24 bits. `2.25.<UUID>` would be one arc of 128 bits: Go and
//! others refuse a certificate in which an arc does not fit 31, some even 28 bits.

use der::asn1::ObjectIdentifier;

/// Identifies our sensitivity labels: the policyId of a clearance (RFC 5755, section 4.4.6).
pub const LABEL_POLICY: ObjectIdentifier = own(1);
/// The type of a securityCategory whose value is one category's name, a UTF8String.
pub const CATEGORY: ObjectIdentifier = own(2);
/// The extension that binds a leaf to its node, see [`crate::binding`].
pub const NODE_BINDING: ObjectIdentifier = own(3);
/// The extension that says what an issuer may sign, see [`crate::scope`].
pub const ISSUER_SCOPE: ObjectIdentifier = own(4);

/// The attribute `id-at-clearance` (RFC 5755, section 4.4.6).
pub const CLEARANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.55");
/// The extension subjectDirectoryAttributes (RFC 5280, section 4.2.1.8).
pub const SUBJECT_DIRECTORY_ATTRIBUTES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.9");
/// The extension subjectKeyIdentifier (RFC 5280, section 4.2.1.2).
pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
/// The extension keyUsage (RFC 5280, section 4.2.1.3).
pub const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// The extension subjectAltName (RFC 5280, section 4.2.1.6).
pub const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// The extension basicConstraints (RFC 5280, section 4.2.1.9).
pub const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
/// The extension authorityKeyIdentifier (RFC 5280, section 4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
/// The extension extKeyUsage (RFC 5280, section 4.2.1.12).
pub const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// The key purpose `id-kp-serverAuth` (RFC 5280, section 4.2.1.12).
pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// The key purpose `id-kp-clientAuth` (RFC 5280, section 4.2.1.12).
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// The key algorithm `id-ecPublicKey` (RFC 5480, section 2.1.1).
pub const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curve P-256, `secp256r1` (RFC 5480, section 2.1.1.1).
pub const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The signature algorithm `ecdsa-with-SHA256` (RFC 5758, section 3.2).
pub const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// The numbers of an identifier, as certificate builders take them.
pub fn arcs(oid: &ObjectIdentifier) -> Vec<u64> {
    oid.arcs().map(u64::from).collect()
}

/// The identifier with this last arc below ours.
const fn own(last: u32) -> ObjectIdentifier {
    match ARC.push_arc(last) {
        Ok(oid) => oid,
        Err(_) => panic!("the arc has room for one more number"),
    }
}

const ARC: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113556.1.8000.2554.35640.58748.51806.17224.48754.9136755.14129741");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arc_is_below_2_to_the_28() {
        for oid in [LABEL_POLICY, CATEGORY, NODE_BINDING, ISSUER_SCOPE] {
            assert!(oid.arcs().all(|arc| arc < 1 << 28), "{oid}");
        }
    }

    #[test]
    fn our_arc_spells_the_uuid() {
        let widths = [4, 4, 4, 4, 4, 6, 6];
        let parts = NODE_BINDING.arcs().skip(7).zip(widths).map(|(arc, width)| format!("{arc:0width$x}"));
        let text: String = parts.collect();
        assert_eq!(text, "8b38e57cca5e4348be728b6a73d79a4d");
    }
}
