//! A certificate that is not the one that was meant, or that no peer would accept, is never signed.

use std::time::Duration;

use bulkhead_identity::keys::PrivateKey;
use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch, Serial};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType, SerialNumber,
};

use super::*;
use crate::authority::{Issuing, P256Key};
use crate::csr::RequestedKey;
use crate::draft::WorkloadFacts;
use crate::init::issuing_key_for_tests;
use crate::sign::{SignError, sign};

const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);
const HOUR: Duration = Duration::from_hours(1);

fn requested() -> RequestedKey {
    RequestedKey::of_own(&P256Key::new(&PrivateKey::generate().unwrap()).unwrap())
}

fn domain() -> TrustDomain {
    "prod.example".parse().unwrap()
}

fn web(label: &str) -> WorkloadFacts {
    WorkloadFacts {
        name: "ns/shop/sa/web".parse().unwrap(),
        label: label.parse().unwrap(),
        node: NodeEpoch { node: "n1".parse().unwrap(), epoch: Epoch::FIRST },
        instance: InstanceId::from_bytes([7; 16]),
    }
}

fn draft(key: &IssuingKey<Issuing>) -> Draft<Issuing> {
    let terms = key.terms(Serial::from_random([9; 16]), NOW, HOUR);
    Draft::workload(&domain(), web("internal:eu"), requested(), terms).unwrap()
}

/// Lints a leaf that `change` has made different from its draft.
fn lint_changed(change: impl FnOnce(&mut CertificateParams)) -> Result<Linted<Issuing>, LintError> {
    let key = issuing_key_for_tests(&domain(), NOW);
    let draft = draft(&key);
    let mut parameters = draft.parameters(&Levels::default()).unwrap();
    change(&mut parameters);
    rehearse(parameters, draft, &key, &Levels::default())
}

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

#[test]
fn what_was_meant_passes() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let draft = draft(&key);
    let meant = draft.content.clone();
    assert_eq!(lint(draft, &key, &Levels::default()).unwrap().rehearsed.leaf.content, meant);
}

#[test]
fn a_leaf_that_breaks_the_profile_is_caught() {
    type Change = fn(&mut CertificateParams);
    let changes: [(&str, Change); 15] = [
        ("a CA", |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        ("a CA of no path", |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
        ("no basicConstraints and no SKI", |leaf| leaf.is_ca = IsCa::NoCa),
        ("no AKI", |leaf| leaf.use_authority_key_identifier_extension = false),
        ("no EKU", |leaf| leaf.extended_key_usages.clear()),
        ("half an EKU", |leaf| leaf.extended_key_usages.truncate(1)),
        ("one EKU more", |leaf| leaf.extended_key_usages.push(ExtendedKeyUsagePurpose::CodeSigning)),
        ("no keyUsage", |leaf| leaf.key_usages.clear()),
        ("keyCertSign", |leaf| leaf.key_usages.push(KeyUsagePurpose::KeyCertSign)),
        ("a subject", |leaf| leaf.distinguished_name.push(DnType::CommonName, "web")),
        ("no name", |leaf| leaf.subject_alt_names.clear()),
        ("two names", |leaf| leaf.subject_alt_names.push(uri("spiffe://prod.example/control/ca"))),
        ("rcgen's own serial", |leaf| leaf.serial_number = None),
        ("no label and no binding", |leaf| leaf.custom_extensions.clear()),
        ("an unknown critical extension", |leaf| {
            let mut unknown = CustomExtension::from_oid_content(&[2, 5, 29, 99], vec![5, 0]);
            unknown.set_criticality(true);
            leaf.custom_extensions.push(unknown);
        }),
    ];
    for (what, change) in changes {
        let caught = lint_changed(change);
        assert!(matches!(caught, Err(LintError::Profile(_))), "{what}: {caught:?}");
    }
}

#[test]
fn a_leaf_that_says_something_else_than_was_meant_is_caught() {
    let other = |facts: WorkloadFacts| {
        let key = issuing_key_for_tests(&domain(), NOW);
        let terms = key.terms(Serial::from_random([9; 16]), NOW, HOUR);
        let draft = Draft::workload(&domain(), facts, requested(), terms).unwrap();
        draft.parameters(&Levels::default()).unwrap().custom_extensions
    };
    let elsewhere = |node: &str, epoch, instance| WorkloadFacts {
        node: NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) },
        instance: InstanceId::from_bytes([instance; 16]),
        ..web("internal:eu")
    };
    check_caught("name", |leaf| leaf.subject_alt_names = vec![uri("spiffe://prod.example/ns/shop/sa/db")]);
    check_caught("label", |leaf| leaf.custom_extensions = other(web("internal")));
    check_caught("label", |leaf| leaf.custom_extensions = other(web("restricted:eu")));
    check_caught("node", |leaf| leaf.custom_extensions = other(elsewhere("n2", 1, 7)));
    check_caught("node", |leaf| leaf.custom_extensions = other(elsewhere("n1", 2, 7)));
    check_caught("instance", |leaf| leaf.custom_extensions = other(elsewhere("n1", 1, 8)));
    check_caught("serial number", |leaf| leaf.serial_number = Some(SerialNumber::from_slice(&[0x41; 16])));
    check_caught("validity", |leaf| leaf.not_after += Duration::from_secs(1));
    check_caught("validity", |leaf| leaf.not_before += Duration::from_secs(1));
}

fn check_caught(field: &str, change: impl FnOnce(&mut CertificateParams)) {
    match lint_changed(change) {
        Err(LintError::NotAsMeant { what }) => assert_eq!(what, field),
        other => panic!("{field}: {other:?}"),
    }
}

#[test]
fn a_label_of_an_unknown_level_is_refused() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let terms = key.terms(Serial::from_random([9; 16]), NOW, HOUR);
    let draft = Draft::workload(&domain(), web("cosmic"), requested(), terms).unwrap();
    let refused = lint(draft, &key, &Levels::default());
    assert!(matches!(refused, Err(LintError::Draft(DraftError::Label(_)))), "{refused:?}");
}

#[test]
fn a_name_of_another_trust_domain_is_refused() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let terms = key.terms(Serial::from_random([9; 16]), NOW, HOUR);
    let other = "other.example".parse().unwrap();
    let draft = Draft::workload(&other, web("internal"), requested(), terms).unwrap();
    let refused = lint(draft, &key, &Levels::default());
    assert!(matches!(refused, Err(LintError::TrustDomain { .. })), "{refused:?}");
}

#[test]
fn a_leaf_ends_with_its_issuer_at_the_latest() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let mut draft = draft(&key);
    assert_eq!(key.terms(Serial::from_random([9; 16]), NOW, Duration::MAX).not_after, key.not_after());
    draft.terms.not_after = key.not_after().plus(Duration::from_secs(1));
    let refused = lint(draft, &key, &Levels::default());
    assert!(matches!(refused, Err(LintError::OutlivesIssuer { .. })), "{refused:?}");
}

#[test]
fn a_date_beyond_the_year_9999_is_refused() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let mut draft = draft(&key);
    draft.terms.not_after = Timestamp::MAX;
    let refused = lint(draft, &key, &Levels::default());
    assert!(matches!(refused, Err(LintError::Draft(DraftError::Late { .. }))), "{refused:?}");
}

#[test]
fn what_was_linted_for_one_issuer_is_not_signed_by_another() {
    let (key, other) = (issuing_key_for_tests(&domain(), NOW), issuing_key_for_tests(&domain(), NOW));
    let refused = sign(lint(draft(&key), &key, &Levels::default()).unwrap(), &other);
    assert!(matches!(refused, Err(SignError::OtherIssuer { .. })), "{refused:?}");
}

#[test]
fn what_differs_from_the_linted_copy_is_thrown_away() {
    let key = issuing_key_for_tests(&domain(), NOW);
    let mut linted = lint(draft(&key), &key, &Levels::default()).unwrap();
    linted.rehearsed.parameters.subject_alt_names = vec![uri("spiffe://prod.example/control/ca")];
    let refused = sign(linted, &key);
    assert!(matches!(refused, Err(SignError::NotAsLinted)), "{refused:?}");
}
