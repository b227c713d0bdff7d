//! What a chain must be, case by case.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::{PrivateKey, StoredIdentity, TrustBundle};
use bulkhead_mesh::{CutoffSet, SpiffeId, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;
use rustls_pki_types::CertificateDer;

use super::super::held::{Held, HeldError, Standard};
use crate::testing::ca::node_cutoff;
use crate::testing::certificates::{LIFETIME, Mesh, NOW, Shown, id};

fn stored(shown: &Shown) -> StoredIdentity {
    StoredIdentity { key: PrivateKey::from_pkcs8(shown.pkcs8.clone()).unwrap(), chain: shown.chain.clone() }
}

fn hold(stored: StoredIdentity, mesh: &Mesh, expected: Option<&SpiffeId>, now: Timestamp) -> Result<Held, HeldError> {
    let (bundle, cutoffs) = (Arc::new(mesh.bundle()), CutoffSet::default());
    Held::new(stored, Standard { bundle: &bundle, expected, cutoffs: &cutoffs, now })
}

#[test]
fn only_a_workloads_chain_for_its_own_key_is_held() {
    let mesh = Mesh::new();
    let web = mesh.workload("web", "n1", "internal");
    let (expected, other) = (id("/ns/shop/sa/web"), id("/ns/shop/sa/db"));
    let end = NOW.plus(LIFETIME);
    let alone = StoredIdentity { chain: vec![web.chain[0].clone()], ..stored(&web) };
    let empty = StoredIdentity { chain: Vec::new(), ..stored(&web) };
    let garbage = StoredIdentity { chain: vec![CertificateDer::from(vec![0x30, 0])], ..stored(&web) };
    let another_key = StoredIdentity { key: PrivateKey::generate().unwrap(), ..stored(&web) };
    let late = end.plus(Duration::from_secs(1));
    let early = NOW.minus(Duration::from_hours(1));
    //     what                                expected         when   what is wrong, and whether it is damage
    for (stored, expected, now, wrong) in [
        (stored(&web), None, NOW, None),
        (stored(&web), Some(&expected), end, None),
        (stored(&web), Some(&other), NOW, Some(("not for", false))),
        (stored(&web), None, late, Some(("ended", false))),
        (stored(&web), None, early, Some(("not valid before", false))),
        (stored(&mesh.node("n1")), None, NOW, Some(("purpose", false))),
        (stored(&mesh.control("ca")), None, NOW, Some(("purpose", false))),
        (stored(&Mesh::new().workload("web", "n1", "internal")), None, NOW, Some(("no path", false))),
        (alone, None, NOW, Some(("no path", false))),
        (empty, None, NOW, Some(("no certificate", true))),
        (garbage, None, NOW, Some(("certificate", true))),
        (another_key, None, NOW, Some(("another key", true))),
    ] {
        match hold(stored, &mesh, expected, now) {
            Ok(held) => assert_eq!((wrong, held.svid.not_after()), (None, end)),
            Err(error) => {
                let (words, damage) = wrong.unwrap_or_else(|| panic!("{error:?}"));
                assert!(bulkhead_daemon::chain(&error).contains(words), "{words}: {error:?}");
                assert_eq!(error.is_damage(), damage, "{error:?}");
            }
        }
    }
}

#[test]
fn a_chain_of_another_trust_domain_is_not_held() {
    let mesh = Mesh::new();
    let bundle = TrustBundle::new("other.example".parse().unwrap(), mesh.bundle().roots().to_vec()).unwrap();
    let (bundle, cutoffs) = (Arc::new(bundle), CutoffSet::default());
    let standard = Standard { bundle: &bundle, expected: None, cutoffs: &cutoffs, now: NOW };
    let error = Held::new(stored(&mesh.workload("web", "n1", "internal")), standard).unwrap_err();
    assert!(bulkhead_daemon::chain(&error).contains("another trust domain"), "{error:?}");
}

#[test]
fn what_is_cut_off_is_not_held_and_what_is_held_notices_it() {
    let mesh = Mesh::new();
    let (web, bundle, mut cutoffs) =
        (mesh.workload("web", "n1", "internal"), Arc::new(mesh.bundle()), CutoffSet::default());
    let held = hold(stored(&web), &mesh, None, NOW).unwrap();
    cutoffs.insert(node_cutoff("n2"));
    assert!(held.cutoff(&cutoffs).is_none());
    cutoffs.insert(node_cutoff("n1"));
    assert!(held.cutoff(&cutoffs).is_some());
    let standard = Standard { bundle: &bundle, expected: None, cutoffs: &cutoffs, now: NOW };
    assert!(matches!(Held::new(stored(&web), standard), Err(HeldError::CutOff { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_of_the_ca_makes_the_proxy_panic(which: Index, place: Index, flip in 1..=255_u8, cut: Index) {
        thread_local! {
            static MESH: Mesh = Mesh::new();
        }
        MESH.with(|mesh| {
            let web = stored(&mesh.workload("web", "n1", "internal"));
            let which = which.index(web.chain.len());
            let mut bytes = web.chain[which].to_vec();
            let (place, cut) = (place.index(bytes.len()), cut.index(bytes.len()));
            bytes[place] ^= flip;
            let with = |bytes: &[u8]| {
                let mut chain = web.chain.clone();
                chain[which] = CertificateDer::from(bytes.to_vec());
                hold(StoredIdentity { chain, ..web.clone() }, mesh, None, NOW)
            };
            prop_assert!(with(&bytes).is_err(), "every bit is signed");
            prop_assert!(with(&bytes[..cut]).is_err());
            Ok(())
        })?;
    }
}
