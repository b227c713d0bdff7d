//! Pods and services of a cluster: who owns an address, what stands there, and when that changes.

use bulkhead_ca::store::{
    ClusterServiceRecord, DirectoryChange, Listing, ListingRefusal, NodeOrder, NodeRefusal, PodRecord,
    RegistrationRecord, RegistrationRefusal, Source, Standing, StoreError,
};
use bulkhead_cluster::Uid;
use bulkhead_mesh::{Endpoint, ServicePort};

use crate::scene::{
    Scene, address, admission, at, certificate, clearance, instance, key, life, registration, service, stolen,
};

fn pod(number: u8, owns: &str, created: u64) -> PodRecord {
    PodRecord {
        uid: instance(number),
        name: format!("shop/web-{number}").parse().unwrap(),
        workload: "ns/shop/sa/web".parse().unwrap(),
        node: life("n1").node,
        addresses: owns.split_whitespace().map(address).collect(),
        has_sidecar: true,
        created: at(created),
        is_leaving: false,
    }
}

fn issued(number: u8, owns: &str) -> RegistrationRecord {
    RegistrationRecord { source: Source::Pod, ..registration(number, "ns/shop/sa/web", "n1", owns) }
}

fn elsewhere(number: u8, owns: &str, created: u64) -> PodRecord {
    PodRecord { node: life("n2").node, ..pod(number, owns, created) }
}

fn from_elsewhere(number: u8, owns: &str) -> RegistrationRecord {
    RegistrationRecord { node: life("n2"), ..issued(number, owns) }
}

fn web(owns: &str, ready: bool) -> ClusterServiceRecord {
    let endpoint = Endpoint { address: address("10.1.0.1"), port: 8080, weight: 1, ready };
    ClusterServiceRecord {
        name: "web.shop".parse().unwrap(),
        addresses: owns.split_whitespace().map(address).collect(),
        ports: vec![ServicePort { port: 80, endpoints: vec![endpoint] }],
    }
}

fn pods(pods: &[PodRecord]) -> DirectoryChange {
    DirectoryChange { pods: pods.to_vec(), ..DirectoryChange::default() }
}

fn gone(numbers: &[u8]) -> DirectoryChange {
    DirectoryChange { gone_pods: numbers.iter().copied().map(instance).collect(), ..DirectoryChange::default() }
}

fn complete(change: DirectoryChange) -> DirectoryChange {
    DirectoryChange { complete: true, ..change }
}

impl Scene {
    async fn begin(&self) -> Listing {
        self.write(|tx| tx.begin_listing()).await.unwrap()
    }

    async fn change(&self, listing: Listing, change: DirectoryChange) {
        self.write(move |tx| tx.write_directory(listing, &change)).await.unwrap();
    }

    async fn issue(&self, number: u8, owns: &'static str) {
        self.write(move |tx| tx.put_pod(&issued(number, owns))).await.unwrap();
    }

    async fn stands(&self, owns: &'static str) -> Standing {
        self.read(move |now| now.stands_at(address(owns))).await
    }

    async fn version(&self, owns: &'static str) -> u64 {
        self.read(move |now| now.address_version(address(owns))).await
    }

    async fn lives(&self, number: u8) -> bool {
        self.read(move |now| now.registration(instance(number))).await.is_some()
    }
}

#[tokio::test]
async fn a_pod_is_nobody_until_its_sidecar_has_a_certificate_and_plain_without_one() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let plain = PodRecord { has_sidecar: false, ..pod(2, "10.1.0.2", 5) };
    scene.change(listing, pods(&[pod(1, "10.1.0.1 fd00::1", 5), plain])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Nothing);
    assert_eq!(scene.stands("10.1.0.2").await, Standing::Plain);
    let (before, other) = (scene.version("fd00::1").await, scene.version("10.1.0.2").await);
    scene.issue(1, "10.1.0.1").await;
    for each in ["10.1.0.1", "fd00::1"] {
        assert_eq!(scene.stands(each).await, Standing::Workload(issued(1, "10.1.0.1")), "{each}");
    }
    assert!(scene.version("fd00::1").await > before, "whoever was told that nobody stands there must hear");
    assert_eq!(scene.version("10.1.0.2").await, other);
}

#[tokio::test]
async fn a_certificate_alone_owns_no_address() {
    let scene = Scene::new().await;
    scene.issue(1, "10.1.0.1").await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Nothing);
    let listing = scene.begin().await;
    let before = scene.version("10.1.0.1").await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    assert!(scene.version("10.1.0.1").await > before);
}

#[tokio::test]
async fn an_operators_registration_stands_before_a_pod() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5)])).await;
    let host = || registration(9, "ns/shop/sa/host", "n2", "10.1.0.1");
    scene.write(move |tx| tx.insert_registration(&host())).await.unwrap();
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(host()));
    let refused = scene.write(|tx| tx.put_pod(&issued(1, "10.1.0.1"))).await.unwrap_err();
    assert!(refused.to_string().starts_with("10.1.0.1 belongs to `ns/shop/sa/host`"), "{refused}");
    let twin = registration(8, "ns/shop/sa/host", "n2", "10.1.0.1");
    assert!(scene.write(move |tx| tx.insert_registration(&twin)).await.is_err(), "first owner wins, as ever");
}

#[tokio::test]
async fn the_younger_pod_owns_the_address_and_the_older_one_ends_at_once() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1 fd00::1", 5)])).await;
    scene.issue(1, "10.1.0.1").await;
    let (before, other) = (scene.version("10.1.0.1").await, scene.version("fd00::1").await);
    scene.change(listing, pods(&[pod(2, "10.1.0.1", 6)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Nothing, "the new one has no certificate yet");
    assert_eq!(scene.stands("fd00::1").await, Standing::Nothing, "the old one is nobody anywhere");
    assert!(!scene.lives(1).await);
    assert!(scene.version("10.1.0.1").await > before && scene.version("fd00::1").await > other);
    let late = scene.write(|tx| tx.put_pod(&issued(1, "10.1.0.1"))).await.unwrap_err();
    assert!(matches!(late, StoreError::Registration(RegistrationRefusal::AddressTaken { .. })), "{late}");
    scene.issue(2, "10.1.0.1").await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(2, "10.1.0.1")));
    // The older one is said again, late: nothing changes.
    let version = scene.version("10.1.0.1").await;
    let moved = PodRecord { has_sidecar: false, ..pod(1, "10.1.0.1 fd00::1", 5) };
    scene.change(listing, pods(&[moved])).await;
    assert_eq!((scene.lives(2).await, scene.version("10.1.0.1").await), (true, version));
}

#[tokio::test]
async fn of_two_made_at_once_the_one_written_later_is_the_younger() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5), pod(2, "10.1.0.1", 5)])).await;
    let owner = scene.read(|now| now.pod_at(address("10.1.0.1"))).await.unwrap();
    assert_eq!(owner.uid, instance(2));
}

#[tokio::test]
async fn another_nodes_pod_takes_no_address_until_its_owner_leaves() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5)])).await;
    scene.issue(1, "10.1.0.1").await;
    let before = scene.version("10.1.0.1").await;
    scene.change(listing, pods(&[elsewhere(2, "10.1.0.1", 6)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    assert_eq!(scene.version("10.1.0.1").await, before, "nobody is told anything");
    let refused = scene.write(|tx| tx.put_pod(&from_elsewhere(2, "10.1.0.1"))).await.unwrap_err();
    assert!(refused.to_string().starts_with("10.1.0.1 belongs to `ns/shop/sa/web`"), "{refused}");
    // Its owner is written again, with another address besides: it is still the first.
    scene.change(listing, pods(&[pod(1, "10.1.0.1 fd00::1", 5)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    scene.change(listing, pods(&[PodRecord { is_leaving: true, ..pod(1, "10.1.0.1", 5) }])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Nothing, "the new one has no certificate yet");
    assert!(!scene.lives(1).await);
    scene.write(|tx| tx.put_pod(&from_elsewhere(2, "10.1.0.1"))).await.unwrap();
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(from_elsewhere(2, "10.1.0.1")));
}

#[tokio::test]
async fn a_node_that_has_not_joined_keeps_nobody_out() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let stranger = PodRecord { node: "n7".parse().unwrap(), has_sidecar: false, ..pod(7, "10.1.0.1 10.1.0.2", 4) };
    scene.change(listing, pods(&[stranger, pod(1, "10.1.0.1", 5), elsewhere(2, "10.1.0.2", 6)])).await;
    scene.issue(1, "10.1.0.1").await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    // Nor does it when it joins, though it has spoken first.
    scene.write(|tx| tx.admit(&admission("n7", key(7)))).await.unwrap();
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    scene.change(listing, gone(&[1])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Plain, "its word counts now");
}

#[tokio::test]
async fn a_pod_whose_other_address_is_taken_lives_on_at_its_first() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[elsewhere(2, "fd00::5", 4), pod(1, "10.1.0.1 fd00::5", 5)])).await;
    scene.issue(1, "10.1.0.1").await;
    scene.change(listing, pods(&[elsewhere(2, "fd00::5 fd00::6", 4)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(issued(1, "10.1.0.1")));
    assert_eq!(scene.stands("fd00::5").await, Standing::Nothing);
}

#[tokio::test]
async fn no_pod_takes_a_services_address() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let services = vec![web("10.96.0.1", true)];
    scene.change(listing, DirectoryChange { services, ..pods(&[pod(1, "10.96.0.1 10.9.0.1", 5)]) }).await;
    assert!(matches!(scene.stands("10.96.0.1").await, Standing::ClusterService(_)));
    scene.write(|tx| tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/web"))).await.unwrap();
    assert!(matches!(scene.stands("10.9.0.1").await, Standing::Service(..)));
}

#[tokio::test]
async fn what_a_revoked_node_says_of_its_pods_counts_for_nothing() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let plain = PodRecord { has_sidecar: false, ..pod(3, "10.1.0.3", 5) };
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5), elsewhere(2, "10.1.0.1", 5), plain])).await;
    let before = scene.version("10.1.0.3").await;
    assert!(
        scene.write(|tx| tx.put_pod(&from_elsewhere(2, "10.1.0.1"))).await.is_err(),
        "the first node's pod owns it"
    );
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    scene.write(|tx| tx.put_pod(&from_elsewhere(2, "10.1.0.1"))).await.unwrap();
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(from_elsewhere(2, "10.1.0.1")));
    assert_eq!(scene.stands("10.1.0.3").await, Standing::Nothing);
    assert!(scene.version("10.1.0.3").await > before, "whoever calls it must hear");
    // Nor does anything that it says from now on.
    scene.change(listing, pods(&[pod(4, "10.1.0.1", 9)])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Workload(from_elsewhere(2, "10.1.0.1")));
}

#[tokio::test]
async fn a_pod_that_is_gone_is_nobody_and_its_watchers_hear() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1", 5)])).await;
    scene.issue(1, "10.1.0.1").await;
    scene.write(|tx| tx.create_service(&service("db", "10.9.0.1", "ns/shop/sa/web"))).await.unwrap();
    let (before, of_service) = (scene.version("10.1.0.1").await, scene.version("10.9.0.1").await);
    scene.change(listing, gone(&[1, 77])).await;
    assert_eq!(scene.stands("10.1.0.1").await, Standing::Nothing);
    assert!(!scene.lives(1).await);
    assert_eq!(scene.read(|now| now.living_instances()).await, []);
    assert!(scene.version("10.1.0.1").await > before && scene.version("10.9.0.1").await > of_service);
}

#[tokio::test]
async fn what_is_said_again_changes_nothing() {
    let scene = Scene::new().await;
    let everything = || DirectoryChange {
        services: vec![web("10.96.0.1", true)],
        ..pods(&[pod(1, "10.1.0.1", 5), PodRecord { has_sidecar: false, ..pod(2, "10.1.0.2", 5) }])
    };
    let listing = scene.begin().await;
    scene.change(listing, complete(everything())).await;
    scene.issue(1, "10.1.0.1").await;
    let before = scene.read(|now| now.directory_version()).await;
    let again = scene.begin().await;
    scene.change(again, everything()).await;
    scene.change(again, complete(DirectoryChange::default())).await;
    assert_eq!(scene.read(|now| now.directory_version()).await, before);
    assert!(scene.lives(1).await);
}

#[tokio::test]
async fn what_a_whole_listing_has_not_said_is_gone() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let services = vec![web("10.96.0.1", true)];
    scene
        .change(
            listing,
            complete(DirectoryChange { services, ..pods(&[pod(1, "10.1.0.1", 5), pod(2, "10.1.0.2", 5)]) }),
        )
        .await;
    scene.issue(1, "10.1.0.1").await;
    scene.issue(2, "10.1.0.2").await;
    let next = scene.begin().await;
    scene.change(next, pods(&[pod(2, "10.1.0.2", 5)])).await;
    assert!(scene.lives(1).await, "until the listing is whole nothing is missed");
    assert!(matches!(scene.stands("10.96.0.1").await, Standing::ClusterService(_)));
    scene.change(next, complete(DirectoryChange::default())).await;
    assert!(!scene.lives(1).await);
    assert!(scene.lives(2).await);
    assert_eq!(scene.stands("10.96.0.1").await, Standing::Nothing);
}

#[tokio::test]
async fn an_older_listing_writes_nothing_any_more_not_even_after_a_restart() {
    let scene = Scene::new().await;
    let older = scene.begin().await;
    let newer = scene.begin().await;
    let scene = scene.reopened().await;
    let refused = scene.write(move |tx| tx.write_directory(older, &pods(&[pod(1, "10.1.0.1", 5)]))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Listing(ListingRefusal::Superseded)), "{refused}");
    scene.change(newer, pods(&[pod(1, "10.1.0.1", 5)])).await;
    assert!(scene.read(|now| now.directory_pod(instance(1))).await.is_some());
}

#[tokio::test]
async fn a_cluster_service_stands_at_each_of_its_addresses_with_who_is_not_ready() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let services = vec![web("10.96.0.1 fd00:96::1", false)];
    scene.change(listing, DirectoryChange { services, ..DirectoryChange::default() }).await;
    for each in ["10.96.0.1", "fd00:96::1"] {
        let Standing::ClusterService(found) = scene.stands(each).await else { panic!("{each}") };
        assert_eq!(found, web("10.96.0.1 fd00:96::1", false));
    }
    let before = scene.version("fd00:96::1").await;
    let services = vec![web("10.96.0.1", true)];
    scene.change(listing, DirectoryChange { services, ..DirectoryChange::default() }).await;
    assert_eq!(scene.stands("fd00:96::1").await, Standing::Nothing);
    assert!(scene.version("fd00:96::1").await > before);
    let gone_services = vec!["web.shop".parse().unwrap(), "other.shop".parse().unwrap()];
    scene.change(listing, DirectoryChange { gone_services, ..DirectoryChange::default() }).await;
    assert_eq!(scene.stands("10.96.0.1").await, Standing::Nothing);
}

#[tokio::test]
async fn an_address_that_a_cluster_gives_to_another_service_is_that_ones() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    let other = ClusterServiceRecord { name: "api.shop".parse().unwrap(), ..web("10.96.0.1", true) };
    scene
        .change(listing, DirectoryChange { services: vec![web("10.96.0.1", true)], ..DirectoryChange::default() })
        .await;
    let taken = DirectoryChange {
        services: vec![other.clone()],
        gone_services: vec!["web.shop".parse().unwrap()],
        ..DirectoryChange::default()
    };
    scene.change(listing, taken).await;
    assert_eq!(scene.stands("10.96.0.1").await, Standing::ClusterService(other));
}

#[tokio::test]
async fn a_nodes_agent_hears_of_what_operators_registered_alone() {
    let scene = Scene::new().await;
    scene.write(|tx| tx.insert_registration(&registration(1, "ns/shop/sa/web", "n1", "10.1.0.1"))).await.unwrap();
    scene.issue(2, "10.1.0.2").await;
    let heard = scene.read(|now| now.registrations_on(&life("n1").node)).await;
    assert_eq!(heard.iter().map(|copy| copy.id).collect::<Vec<_>>(), [instance(1)]);
    assert_eq!(scene.read(|now| now.living_instances()).await.len(), 2);
    let refused = scene.write(|tx| tx.remove_registration(instance(2))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Registration(RegistrationRefusal::OfPod { .. })), "{refused}");
}

#[tokio::test]
async fn a_revoked_nodes_pods_are_nobody_at_all_their_addresses() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(1, "10.1.0.1 fd00::1", 5)])).await;
    scene.issue(1, "10.1.0.1").await;
    let before = scene.version("fd00::1").await;
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    assert_eq!(scene.stands("fd00::1").await, Standing::Nothing);
    assert!(scene.version("fd00::1").await > before);
    let refused = scene.write(|tx| tx.put_pod(&issued(1, "10.1.0.1"))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Node(NodeRefusal::Revoked { .. })), "{refused}");
    scene.change(listing, gone(&[1])).await;
    assert!(!scene.lives(1).await, "the record goes with the pod");
}

#[tokio::test]
async fn a_new_label_is_kept_with_the_moment_from_which_certificates_count() {
    let scene = Scene::new().await;
    scene.issue(1, "10.1.0.1").await;
    let before = scene.version("10.1.0.1").await;
    assert_eq!(scene.read(|now| now.void_before(instance(1))).await, at(0));
    scene.write(|tx| tx.relabel_pod(instance(1), &"public".parse().unwrap(), at(60))).await.unwrap();
    let found = scene.read(|now| now.pods()).await;
    assert_eq!(found[0].label.to_string(), "public");
    assert_eq!(scene.read(|now| now.void_before(instance(1))).await, at(60));
    assert_eq!(scene.version("10.1.0.1").await, before, "a label stands in no answer");
    let host = registration(2, "ns/shop/sa/host", "n1", "10.1.0.2");
    scene.write(move |tx| tx.insert_registration(&host)).await.unwrap();
    assert!(scene.write(|tx| tx.relabel_pod(instance(2), &"public".parse().unwrap(), at(60))).await.is_err());
}

#[tokio::test]
async fn pods_that_nobody_saw_end_end_with_their_last_certificate() {
    let scene = Scene::new().await;
    let listing = scene.begin().await;
    scene.change(listing, pods(&[pod(2, "10.1.0.2", 5)])).await;
    for (number, owns) in [(1, "10.1.0.1"), (2, "10.1.0.2")] {
        scene.issue(number, owns).await;
        scene.write(move |tx| tx.record_certificate(&certificate(number, Some("n1"), Some(number)))).await.unwrap();
    }
    assert_eq!(scene.write(|tx| tx.end_lapsed_pods(at(1001))).await.unwrap(), 0);
    assert_eq!(scene.write(|tx| tx.end_lapsed_pods(at(1002))).await.unwrap(), 1);
    assert_eq!((scene.lives(1).await, scene.lives(2).await), (false, true));
}

#[tokio::test]
async fn an_order_is_taken_once_and_in_time() {
    let scene = Scene::new().await;
    let name = || "n9".parse().unwrap();
    let order = move |expires| NodeOrder {
        node: name(),
        clearance: clearance("restricted"),
        may_loosen: true,
        expires: at(expires),
    };
    scene.write(move |tx| tx.order_node(&order(50))).await.unwrap();
    scene.write(move |tx| tx.order_node(&order(100))).await.unwrap();
    assert_eq!(scene.write(move |tx| tx.take_node_order(&name(), at(100))).await.unwrap(), None);
    assert_eq!(scene.write(move |tx| tx.take_node_order(&name(), at(99))).await.unwrap(), Some(order(100)));
    assert_eq!(scene.write(move |tx| tx.take_node_order(&name(), at(99))).await.unwrap(), None);
    scene.write(move |tx| tx.order_node(&order(100))).await.unwrap();
    assert_eq!(scene.write(|tx| tx.prune_node_orders(at(100))).await.unwrap(), 1);
    scene.write(|tx| tx.revoke_node(&life("n1").node, at(50), &stolen())).await.unwrap();
    let revoked = NodeOrder { node: life("n1").node, ..order(100) };
    assert!(scene.write(move |tx| tx.order_node(&revoked)).await.is_err(), "a revoked name is not ordered back");
}

#[tokio::test]
async fn a_nodes_uid_is_remembered_after_its_end() {
    let scene = Scene::new().await;
    let uid = Uid::from_bytes([7; 16]);
    let from_cluster = bulkhead_ca::store::Admission { cluster_uid: Some(uid), ..admission("n7", key(3)) };
    let admitted = scene.write(move |tx| tx.admit(&from_cluster)).await.unwrap();
    assert_eq!(admitted.cluster_uid, Some(uid));
    assert_eq!(scene.read(move |now| now.revoked_node_with_uid(uid)).await, None);
    scene.write(|tx| tx.revoke_node(&life("n7").node, at(50), &stolen())).await.unwrap();
    let revoked = scene.read(move |now| now.revoked_node_with_uid(uid)).await.unwrap();
    assert_eq!(revoked.life, life("n7"));
}
