//! What the authority signs is accepted by the verifier for its purpose, and for no other.

use bulkhead_ca::authority::{Authority, ControlError, layout};
use bulkhead_identity::{Demand, Limits, PeerError, PurposeKind, Truth, VerifiedPeer, Verifier};
use bulkhead_mesh::{ControlRole, CutoffSet, Levels, Serial};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;

use super::support::{NOW, Site, node, workload};

fn verify(authority: &Authority, chain: &[CertificateDer<'_>], demand: &Demand) -> Result<VerifiedPeer, PeerError> {
    let truth = Truth { levels: Levels::default(), issuers: authority.issuers(), cutoffs: CutoffSet::default() };
    Verifier { bundle: authority.bundle(), demand, truth: &truth, limits: &Limits::default() }.verify(chain, NOW)
}

fn control(authority: &Authority, role: ControlRole) -> Vec<CertificateDer<'static>> {
    authority.control_leaf(role, Serial::from_random([5; 16]), NOW).unwrap().identity.chain
}

#[test]
fn each_leaf_is_accepted_for_its_purpose_and_refused_for_every_other() {
    let site = Site::new();
    let authority = site.authority();
    for (purpose, chain) in [
        (PurposeKind::Workload, workload(&authority, &KeyPair::generate().unwrap(), 1).chain()),
        (PurposeKind::Node, node(&authority).chain()),
        (PurposeKind::Operator, site.founded.operator.chain()),
        (PurposeKind::Control, control(&authority, ControlRole::Ca)),
        (PurposeKind::Control, control(&authority, ControlRole::Feed)),
    ] {
        for demanded in PurposeKind::ALL {
            let verified = verify(&authority, &chain, &Demand::any_of(&[demanded]));
            assert_eq!(verified.is_ok(), demanded == purpose, "{purpose} where {demanded} is demanded: {verified:?}");
        }
    }
}

#[test]
fn the_feed_cannot_pose_as_the_ca() {
    let authority = Site::new().authority();
    let feed = control(&authority, ControlRole::Feed);
    assert!(verify(&authority, &feed, &Demand::control(ControlRole::Feed)).is_ok());
    let posed = verify(&authority, &feed, &Demand::control(ControlRole::Ca));
    assert!(matches!(posed, Err(PeerError::AnotherPeer { .. })), "{posed:?}");
}

#[test]
fn a_leaf_says_what_the_evidence_said() {
    let authority = Site::new().authority();
    let issued = workload(&authority, &KeyPair::generate().unwrap(), 1);
    let peer = verify(&authority, &issued.chain(), &Demand::workload()).unwrap();
    assert_eq!(peer.credential(), &issued.credential());
    assert_eq!(peer.credential().issued_at, NOW);
    assert_eq!(peer.label().map(ToString::to_string).as_deref(), Some("restricted:eu,pci"));
}

#[test]
fn a_renewal_with_the_same_key_has_another_serial() {
    let authority = Site::new().authority();
    let key = KeyPair::generate().unwrap();
    let (first, second) = (workload(&authority, &key, 1), workload(&authority, &key, 2));
    assert_eq!(first.leaf().key, second.leaf().key);
    assert_ne!(first.leaf().serial, second.leaf().serial);
}

#[test]
fn the_authoritys_own_certificates_are_renewed_with_the_same_key_and_need_no_root() {
    let site = Site::new();
    std::fs::remove_dir_all(layout::root_directory(&site.directory())).unwrap();
    let authority = site.authority();
    let issue = |serial| authority.control_leaf(ControlRole::Ca, Serial::from_random([serial; 16]), NOW).unwrap();
    let (first, second) = (issue(1), issue(2));
    assert_eq!(first.certificate.leaf().key, second.certificate.leaf().key);
    assert!(verify(&authority, &second.identity.chain, &Demand::control(ControlRole::Ca)).is_ok());
}

#[test]
fn a_role_whose_key_is_elsewhere_is_not_issued_here() {
    let refused = Site::new().authority().control_leaf(ControlRole::Directory, Serial::from_random([1; 16]), NOW);
    assert!(matches!(refused, Err(ControlError::NotHere { .. })), "{refused:?}");
}
