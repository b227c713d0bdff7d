//! Certificates by another hand: whoever signs for himself, or steals a key of the CA's, reaches no face.

use bulkhead_ca::draft::WorkloadFacts;
use bulkhead_identity::keys::{KeyStore, PrivateKey};
use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch};
use bulkhead_protocol::transport::{ConnectError, ConnectLimits, connect};
use rcgen::{CertificateParams, KeyPair, SanType};
use tonic::Code;

use crate::clock::NOW;
use crate::doors::knock;
use crate::people::Identity;
use crate::world::{World, plan};

#[tokio::test]
async fn who_signs_for_himself_does_not_get_past_the_handshake() {
    let world = World::new().await;
    for name in ["node/n1", "ns/shop/sa/web", "operator/ada", "control/ca"] {
        let refused = world.connect(Some(&self_signed(name))).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused { .. }), "{name}: {refused:?}");
    }
    assert_eq!(world.ca().metrics.refused_handshakes.get(), 4);
}

#[tokio::test]
async fn another_mesh_does_not_get_past_the_handshake() {
    let world = World::new().await;
    for domain in ["other.example", "prod.example"] {
        let refused = world.connect(Some(&operator_of_another_authority(domain).await)).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused { .. }), "{domain}: {refused:?}");
    }
}

#[tokio::test]
async fn the_right_signature_without_a_record_opens_no_door() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    world.issue(&node, &registration).await.unwrap();
    let life = NodeEpoch { node: "n1".parse().unwrap(), epoch: Epoch::FIRST };
    let facts = WorkloadFacts {
        name: "ns/shop/sa/web".parse().unwrap(),
        label: "internal".parse().unwrap(),
        node: life.clone(),
        instance: InstanceId::from_bytes(registration.id.clone().try_into().unwrap()),
    };
    let forged = [world.node_off_record(life), world.workload_off_record(facts), world.operator_certificate("ada").1];
    for identity in &forged {
        let answers = knock(world.channel(identity).await, &[1; 32], &registration.id).await;
        for refused in [answers.issue, answers.renew, answers.watch, answers.admin].map(Result::unwrap_err) {
            assert_eq!(refused.code(), Code::PermissionDenied);
            assert!(refused.message().contains("is not on record: this CA did not issue it"), "{refused:?}");
        }
        assert_eq!(answers.join.unwrap_err().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn whoever_answers_in_the_cas_place_is_sent_no_token() {
    let (world, impostor) = (World::new().await, World::new().await);
    let connector = world.connector(None);
    let refused = connect(&[impostor.address().to_owned()], &connector, ConnectLimits::default()).await;
    assert!(matches!(refused, Err(ConnectError::NotTheCa { .. })), "{refused:?}");
}

fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::default();
    leaf.subject_alt_names = vec![SanType::URI(format!("spiffe://prod.example/{name}").try_into().unwrap())];
    let certificate = leaf.self_signed(&key).unwrap();
    Identity { key: PrivateKey::from_pkcs8(key.serialize_der()).unwrap(), chain: vec![certificate.der().clone()] }
}

async fn operator_of_another_authority(domain: &str) -> Identity {
    let directory = tempfile::tempdir().unwrap();
    let plan = bulkhead_ca::init::Plan { trust_domain: domain.parse().unwrap(), ..plan(directory.path().join("ca")) };
    let founded = bulkhead_ca::init::run(&plan, NOW).await.unwrap();
    let stored = KeyStore::new(founded.operator_file).read().unwrap().unwrap();
    Identity { key: stored.key, chain: stored.chain }
}
