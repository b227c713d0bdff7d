//! Which pods are found.

use bulkhead_mesh::Timestamp;

use super::*;
use crate::controller::cluster::{Change, Namespace, Sight};
use crate::controller::directory::Limits;

#[test]
fn a_pod_is_found_that_should_have_a_sidecar_and_has_none() {
    //   the namespace asks, who must ask, sidecar, leaving: injected, uninjected
    for (of_namespace, asks, sidecar, leaving, expected) in [
        (true, Asks::Namespace, false, false, (0, 1)),
        (false, Asks::Namespace, false, false, (0, 0)),
        (false, Asks::Itself, false, false, (0, 1)),
        (true, Asks::Nobody, false, false, (0, 0)),
        (true, Asks::Namespace, false, true, (0, 0)),
        (true, Asks::Namespace, true, false, (1, 0)),
        (false, Asks::Nobody, true, true, (1, 0)),
    ] {
        let mut cluster = Cluster::new(Limits::default());
        let namespace = Namespace { asks: of_namespace, leaving: false };
        let pod = Pod {
            namespace: "shop".into(),
            name: "web".into(),
            account: "web".into(),
            node: "".into(),
            addresses: [].into(),
            created: Timestamp::EPOCH,
            sidecar,
            leaving,
            asks,
        };
        cluster.see(Sight::Namespace(Change::Seen("shop".into(), namespace))).unwrap();
        cluster.see(Sight::Pod(Change::Seen(InstanceId::from_bytes([1; 16]), pod))).unwrap();
        let found = find(&cluster, &BTreeSet::new());
        assert_eq!((found.injected, found.uninjected.len()), expected, "{asks:?} {of_namespace} {sidecar} {leaving}");
        assert_eq!(find(&cluster, &BTreeSet::from(["shop".into()])).uninjected, [], "its namespace is excluded");
    }
}

#[test]
fn a_uid_is_written_as_kubernetes_writes_it() {
    let uid = "5f0c7a523f7e4c579b1d0a1b2c3d4e5f".parse().unwrap();
    assert_eq!(hyphenated(uid), "5f0c7a52-3f7e-4c57-9b1d-0a1b2c3d4e5f");
}
