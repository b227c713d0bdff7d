//! Certificates: on record before they leave, each serial once.

use bulkhead_ca::store::{NodeRefusal, StoreError};
use bulkhead_mesh::{Epoch, NodeEpoch};

use crate::scene::{Scene, at, certificate, instance, life, serial, stolen};

#[tokio::test]
async fn a_certificate_is_read_back_as_recorded() {
    let scene = Scene::new().await;
    for written in [certificate(1, None, None), certificate(2, Some("n1"), None), certificate(3, Some("n1"), Some(3))] {
        let kept = written.clone();
        scene.write(move |tx| tx.record_certificate(&kept)).await.unwrap();
        let serial = written.serial;
        assert_eq!(scene.read(move |now| now.certificate(serial)).await, Some(written));
    }
    assert_eq!(scene.read(|now| now.certificate(serial(9))).await, None);
}

#[tokio::test]
async fn a_serial_is_on_record_once() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.record_certificate(&certificate(1, None, None))).await.unwrap();
    let refused = scene.write(|tx| tx.record_certificate(&certificate(1, Some("n1"), None))).await.unwrap_err();
    assert!(matches!(refused, StoreError::SerialTaken { serial: taken } if taken == serial(1)));
}

#[tokio::test]
async fn a_certificate_signed_while_its_node_was_revoked_does_not_get_on_record() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    let refused = scene.write(|tx| tx.record_certificate(&certificate(1, Some("n1"), Some(1)))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::Revoked { .. })));
    assert_eq!(scene.read(|now| now.certificate(serial(1))).await, None);
}

#[tokio::test]
async fn the_exposure_of_a_node_is_the_latest_end_of_all_that_is_bound_to_it() {
    let scene = Scene::new().await;
    assert_eq!(scene.read(|now| now.latest_not_after(&life("n1"))).await, None);
    scene
        .write(|tx| {
            tx.record_certificate(&certificate(3, Some("n1"), Some(1)))?;
            tx.record_certificate(&certificate(2, Some("n1"), None))?;
            tx.record_certificate(&certificate(4, Some("n2"), Some(2)))
        })
        .await
        .unwrap();
    assert_eq!(scene.read(|now| now.latest_not_after(&life("n1"))).await, Some(at(1003)));
    // A revocation of a later life means the earlier ones as well.
    let later = NodeEpoch { epoch: Epoch::new(2), ..life("n1") };
    assert_eq!(scene.read(move |now| now.latest_not_after(&later)).await, Some(at(1003)));
    let before = NodeEpoch { epoch: Epoch::new(0), ..life("n1") };
    assert_eq!(scene.read(move |now| now.latest_not_after(&before)).await, None);
}

#[tokio::test]
async fn the_newest_certificate_is_found_per_node_and_per_instance() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            for (number, of) in [(2, None), (1, None), (4, Some(7)), (3, Some(7)), (5, Some(8))] {
                tx.record_certificate(&certificate(number, Some("n1"), of))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let newest = |number| certificate(number, Some("n1"), Some(7));
    assert_eq!(scene.read(|now| now.newest_certificate_of_instance(instance(7))).await, Some(newest(4)));
    let own = scene.read(|now| now.newest_certificate_of_node(&life("n1"))).await;
    assert_eq!(own, Some(certificate(2, Some("n1"), None)));
    assert_eq!(scene.read(|now| now.newest_certificate_of_node(&life("n2"))).await, None);
}

#[tokio::test]
async fn pruning_forgets_ended_certificates_only() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.record_certificate(&certificate(1, None, None))).await.unwrap();
    assert_eq!(scene.write(|tx| tx.prune_certificates(at(1001))).await.unwrap(), 0);
    assert_eq!(scene.write(|tx| tx.prune_certificates(at(1002))).await.unwrap(), 1);
}
