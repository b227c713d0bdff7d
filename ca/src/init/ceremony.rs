//! The one time that the root signs: itself if it is new, and two intermediates, each linted before the real signature.

use std::path::Path;
use std::time::Duration;

use bulkhead_identity::keys::PrivateKey;
use bulkhead_identity::oid;
use bulkhead_identity::profile::BACKDATED;
use bulkhead_mesh::{Serial, Timestamp, TrustDomain};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

use super::InitError;
use super::existing::{ExistingRoot, RootError};
use crate::authority::{self, Control, IssuingKey, P256Key, Scope, Station, is_signed_by};
use crate::dice::random as bytes;
use crate::draft::{extension, set_validity};
use crate::lint::to_be_signed;
use crate::seal::Unsealer;
use crate::sign::SignError;

/// The root and its intermediates, with the keys that are to be sealed.
pub(super) struct Hierarchy {
    pub(super) root: CertificateDer<'static>,
    /// That of a new root; the key of one that existed is sealed already.
    pub(super) root_key: Option<PrivateKey>,
    pub(super) issuing: Issued,
    pub(super) control: Issued,
}

/// A certificate with its key.
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKey,
}

impl Hierarchy {
    /// Two intermediates under a new root.
    pub(super) fn found(domain: &TrustDomain, now: Timestamp) -> Result<Self, InitError> {
        let key = PrivateKey::generate()?;
        let root = new_root(domain, &key, now)?;
        let signer = P256Key::new(&key)?;
        Ok(Self { root_key: Some(key), ..Self::below(root, signer, domain, now)? })
    }

    /// Two intermediates under a root that exists in this directory.
    pub(super) fn under(
        directory: &Path,
        unsealer: &Unsealer,
        domain: &TrustDomain,
        now: Timestamp,
    ) -> Result<Self, InitError> {
        let needed = now.plus(INTERMEDIATE_LIFETIME);
        let ExistingRoot { certificate, key } = ExistingRoot::open(directory, unsealer, domain, now, needed)
            .map_err(|source| unusable(directory, source))?;
        let hierarchy = Self::below(certificate, key, domain, now)?;
        let all_follow = [&hierarchy.issuing, &hierarchy.control]
            .iter()
            .all(|issued| is_signed_by(&issued.certificate, &hierarchy.root));
        if all_follow { Ok(hierarchy) } else { Err(unusable(directory, RootError::Name)) }
    }

    fn below(
        root: CertificateDer<'static>,
        key: P256Key,
        domain: &TrustDomain,
        now: Timestamp,
    ) -> Result<Self, InitError> {
        let signer = Signer {
            rehearsal: Issuer::from_ca_cert_der(&root, P256Key::generate()?)?,
            issuer: Issuer::from_ca_cert_der(&root, key)?,
        };
        let issuing = intermediate(domain, "issuing", Station::intermediate(authority::Issuing::SCOPE), now, &signer)?;
        let control = intermediate(domain, "control", Station::intermediate(Control::SCOPE), now, &signer)?;
        Ok(Self { root, root_key: None, issuing, control })
    }

    /// The control intermediate, ready to sign.
    pub(super) fn control_key(&self) -> Result<IssuingKey<Control>, InitError> {
        Ok(IssuingKey::new(self.control.certificate.clone(), P256Key::new(&self.control.key)?)?)
    }
}

fn unusable(directory: &Path, source: RootError) -> InitError {
    InitError::Root { directory: directory.into(), source: Box::new(source) }
}

/// The root while it signs.
struct Signer {
    issuer: Issuer<'static, P256Key>,
    /// The same name with a key that nobody trusts: what it signs is linted and thrown away.
    rehearsal: Issuer<'static, P256Key>,
}

fn new_root(domain: &TrustDomain, key: &PrivateKey, now: Timestamp) -> Result<CertificateDer<'static>, InitError> {
    let subject = P256Key::new(key)?;
    let mut parameters = parameters(domain, "root", Station::ROOT, now)?;
    // Stated, so that a copy signed by a throw-away key names the same issuer key.
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(parameters.key_identifier(&subject));
    let signer = Signer {
        issuer: Issuer::new(parameters.clone(), P256Key::new(key)?),
        rehearsal: Issuer::new(parameters.clone(), P256Key::generate()?),
    };
    issue(&parameters, &subject, &signer, Station::ROOT)
}

fn intermediate(
    domain: &TrustDomain,
    name: &str,
    station: Station,
    now: Timestamp,
    signer: &Signer,
) -> Result<Issued, InitError> {
    let key = PrivateKey::generate()?;
    let parameters = parameters(domain, name, station, now)?;
    let certificate = issue(&parameters, &P256Key::new(&key)?, signer, station)?;
    Ok(Issued { certificate, key })
}

/// Signs with a throw-away key, lints that copy, then signs in earnest.
fn issue(
    parameters: &CertificateParams,
    subject: &P256Key,
    signer: &Signer,
    station: Station,
) -> Result<CertificateDer<'static>, InitError> {
    let copy = parameters.signed_by(subject, &signer.rehearsal)?;
    let facts = authority::inspect(copy.der(), station)?;
    if *facts.point != *subject.der_bytes() {
        return Err(SignError::NotAsLinted.into());
    }
    let certificate = CertificateDer::from(parameters.signed_by(subject, &signer.issuer)?);
    if to_be_signed(&certificate) != to_be_signed(copy.der()) {
        return Err(SignError::NotAsLinted.into());
    }
    Ok(certificate)
}

/// The certificate of an issuer as rcgen builds it (RFC 5280; X.509-SVID, section 3).
fn parameters(
    domain: &TrustDomain,
    name: &str,
    station: Station,
    now: Timestamp,
) -> Result<CertificateParams, InitError> {
    let mut issuer = CertificateParams::default();
    let serial = Serial::from_random(bytes()?);
    issuer.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
    let lifetime = if station.scope.is_none() { ROOT_LIFETIME } else { INTERMEDIATE_LIFETIME };
    let not_before = Timestamp::from_secs(now.minus(BACKDATED).as_secs());
    set_validity(&mut issuer, not_before, now.plus(lifetime))?;
    issuer.distinguished_name = distinguished_name(name, serial);
    issuer.subject_alt_names = vec![SanType::URI(Ia5String::try_from(format!("spiffe://{domain}"))?)];
    issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(station.path_length));
    issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // A root names no other key (RFC 5280, section 4.2.1.1).
    issuer.use_authority_key_identifier_extension = station.scope.is_some();
    if let Some(scope) = station.scope {
        issuer.custom_extensions = vec![extension(&oid::arcs(&oid::ISSUER_SCOPE), scope.encode()?)];
    }
    Ok(issuer)
}

/// For people, and different for each issuer, so that nobody takes one for its successor. The trust domain stands in
/// the SAN: it may be longer than a common name can be.
fn distinguished_name(name: &str, serial: Serial) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Bulkhead");
    let digits = serial.to_string();
    subject.push(DnType::CommonName, format!("{name} {}", digits.get(..8).unwrap_or(&digits)));
    subject
}

const ROOT_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);
const INTERMEDIATE_LIFETIME: Duration = Duration::from_hours(2 * 365 * 24);

#[cfg(test)]
mod tests {
    use bulkhead_identity::IssuerScope;
    use rcgen::CustomExtension;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);

    /// Inspects a certificate for this station that `change` has made different, signed by a root of its own.
    fn inspect_changed(station: Station, change: impl FnOnce(&mut CertificateParams)) -> bool {
        let domain = "prod.example".parse().unwrap();
        let root = parameters(&domain, "root", Station::ROOT, NOW).unwrap();
        let issuer = Issuer::new(root, P256Key::generate().unwrap());
        let mut parameters = parameters(&domain, "below", station, NOW).unwrap();
        change(&mut parameters);
        let certificate = parameters.signed_by(&P256Key::generate().unwrap(), &issuer).unwrap();
        authority::inspect(certificate.der(), station).is_ok()
    }

    fn scope(scope: IssuerScope) -> Vec<CustomExtension> {
        vec![extension(&oid::arcs(&oid::ISSUER_SCOPE), scope.encode().unwrap())]
    }

    #[test]
    fn an_intermediate_that_is_not_as_it_should_be_is_caught() {
        type Change = fn(&mut CertificateParams);
        let changes: [(&str, Change); 13] = [
            ("no CA", |issuer| issuer.is_ca = IsCa::ExplicitNoCa),
            ("any path", |issuer| issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            ("a longer path", |issuer| issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(1))),
            ("no keyUsage", |issuer| issuer.key_usages.clear()),
            ("half a keyUsage", |issuer| issuer.key_usages.truncate(1)),
            ("a leaf's keyUsage", |issuer| issuer.key_usages.push(KeyUsagePurpose::DigitalSignature)),
            ("no AKI", |issuer| issuer.use_authority_key_identifier_extension = false),
            ("no scope", |issuer| issuer.custom_extensions.clear()),
            ("another scope", |issuer| issuer.custom_extensions = scope(IssuerScope::CONTROL)),
            ("every scope", |issuer| {
                issuer.custom_extensions = scope(IssuerScope::new(&bulkhead_identity::PurposeKind::ALL));
            }),
            ("no trust domain", |issuer| issuer.subject_alt_names.clear()),
            ("a leaf's name", |issuer| {
                let name = Ia5String::try_from("spiffe://prod.example/control/ca").unwrap();
                issuer.subject_alt_names = vec![SanType::URI(name)];
            }),
            ("rcgen's own serial", |issuer| issuer.serial_number = None),
        ];
        let station = Station::intermediate(authority::Issuing::SCOPE);
        assert!(inspect_changed(station, |_| ()));
        for (what, change) in changes {
            assert!(!inspect_changed(station, change), "{what}");
        }
    }

    #[test]
    fn a_root_has_no_scope() {
        let root = parameters(&"prod.example".parse().unwrap(), "root", Station::ROOT, NOW).unwrap();
        let inspect = |root: &CertificateParams| {
            let certificate = root.self_signed(&P256Key::generate().unwrap()).unwrap();
            authority::inspect(certificate.der(), Station::ROOT).is_ok()
        };
        assert!(inspect(&root));
        let mut scoped = root;
        scoped.custom_extensions = scope(IssuerScope::ISSUING);
        assert!(!inspect(&scoped));
    }

    #[test]
    fn an_intermediate_with_another_key_is_not_put_to_use() {
        let issuing = Hierarchy::found(&"prod.example".parse().unwrap(), NOW).unwrap().issuing;
        let refused = IssuingKey::<authority::Issuing>::new(issuing.certificate, P256Key::generate().unwrap());
        assert!(matches!(refused, Err(authority::IssuingKeyError::OtherKey)), "{refused:?}");
    }

    #[test]
    fn the_longest_trust_domain_can_have_an_authority() {
        let domain = "a".repeat(255).parse().unwrap();
        assert!(Hierarchy::found(&domain, NOW).is_ok());
    }
}
