//! Where the roots are to be, by a table.

use bulkhead_mesh::{InstanceId, Timestamp};

use super::*;
use crate::controller::cluster::{Change, Namespace, Sight, TrustMap};
use crate::controller::directory::Limits;

const ROOTS: [u8; 32] = [1; 32];

fn cluster(namespace: Namespace, pod: Option<Pod>, map: Option<TrustMap>) -> Cluster {
    let mut cluster = Cluster::new(Limits::default());
    let sights = [
        Sight::Pod(Change::Begins),
        Sight::Service(Change::Begins),
        Sight::Slice(Change::Begins),
        Sight::Namespace(Change::Begins),
        Sight::TrustMap(Change::Begins),
        Sight::Namespace(Change::Seen("shop".into(), namespace)),
        Sight::Pod(Change::Complete),
        Sight::Service(Change::Complete),
        Sight::Slice(Change::Complete),
        Sight::Namespace(Change::Complete),
    ];
    let pod = pod.map(|pod| Sight::Pod(Change::Seen(InstanceId::from_bytes([1; 16]), pod)));
    let map = map.map(|map| Sight::TrustMap(Change::Seen("shop".into(), map)));
    let complete = Sight::TrustMap(Change::Complete);
    for sight in sights.into_iter().chain(pod).chain(map).chain([complete]) {
        cluster.see(sight).unwrap();
    }
    cluster
}

fn pod(sidecar: bool, asks: Asks) -> Pod {
    Pod {
        namespace: "shop".into(),
        name: "web".into(),
        account: "web".into(),
        node: "n1".into(),
        addresses: [].into(),
        created: Timestamp::EPOCH,
        sidecar,
        leaving: false,
        asks,
    }
}

fn map(content: Option<[u8; 32]>, managed: bool) -> TrustMap {
    TrustMap { content, managed, version: "7".into() }
}

#[test]
fn the_roots_are_where_pods_need_them_and_nowhere_else() {
    let asks = Namespace { asks: true, leaving: false };
    let silent = Namespace { asks: false, leaving: false };
    let leaving = Namespace { asks: true, leaving: true };
    let apply = || vec![Step::Apply("shop".into())];
    let remove = || vec![Step::Remove("shop".into(), "7".into())];
    for (what, namespace, pod, map, expected) in [
        ("asked, nothing there", &asks, None, None, apply()),
        ("asked, and right", &asks, None, Some(map(Some(ROOTS), true)), vec![]),
        ("other roots", &asks, None, Some(map(Some([2; 32]), true)), apply()),
        ("without the key", &asks, None, Some(map(None, true)), apply()),
        ("not said to be ours", &asks, None, Some(map(Some(ROOTS), false)), apply()),
        ("about to go", &leaving, None, None, vec![]),
        ("nobody asks", &silent, None, None, vec![]),
        ("nobody asks any more", &silent, None, Some(map(Some(ROOTS), true)), remove()),
        ("somebody else's", &silent, None, Some(map(Some([2; 32]), false)), vec![]),
        ("a pod still has its sidecar", &silent, Some(pod(true, Asks::Nobody)), Some(map(Some(ROOTS), true)), vec![]),
        ("a pod asks itself", &silent, Some(pod(false, Asks::Itself)), None, apply()),
        ("a pod that would not", &silent, Some(pod(false, Asks::Namespace)), Some(map(Some(ROOTS), true)), remove()),
    ] {
        let cluster = cluster(namespace.clone(), pod, map);
        assert_eq!(plan(&cluster, ROOTS, &BTreeSet::new()), expected, "{what}");
        assert_eq!(plan(&cluster, ROOTS, &BTreeSet::from(["shop".into()])), [], "{what}, excluded");
    }
}

#[test]
fn nothing_is_done_before_everything_is_known() {
    let mut cluster = cluster(Namespace { asks: false, leaving: false }, None, Some(map(Some(ROOTS), true)));
    assert_eq!(plan(&cluster, ROOTS, &BTreeSet::new()).len(), 1);
    cluster.namespaces = crate::controller::cluster::Listed::new(10);
    assert_eq!(plan(&cluster, ROOTS, &BTreeSet::new()), []);
}
