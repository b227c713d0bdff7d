//! Evidence by pod token: the cluster vouches for the token, and the pod itself is looked at besides.
//!
//! The API server remembers good answers for 10 s, so for so long it vouches for the token of a pod that is gone. The pod
//! that it has *now* must be the token's in every field.

use std::net::IpAddr;

use bulkhead_cluster::{Liveness, NodeFacts, PodFacts, PodName, ReviewedToken, Uid};
use bulkhead_mesh::{InstanceId, NodeName, WorkloadName};

use super::cluster::Kubernetes;
use super::refusal::EvidenceRefusal;

/// A pod that proved itself: it stands where the token says, and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenPod {
    /// What people call it.
    pub name: PodName,
    /// Its UID, as an instance.
    pub instance: InstanceId,
    /// The account that it runs as.
    pub account: WorkloadName,
    /// The node on which it stands.
    pub node: NodeName,
    /// Which node of that name.
    pub node_uid: Uid,
    /// Its main address, once it has one.
    pub address: Option<IpAddr>,
    /// Whether it has a sidecar.
    pub has_sidecar: bool,
}

/// What the token proves, at this moment.
pub async fn prove(kubernetes: &Kubernetes, token: &str) -> Result<ProvenPod, EvidenceRefusal> {
    let asked = async {
        let token = kubernetes.cluster.review(token).await?;
        let pod = kubernetes.cluster.pod(&token.pod).await?;
        compare(token, pod)
    };
    kubernetes.in_turn(asked).await?
}

/// The node on which a pod has proved to stand, as the cluster has it now.
pub async fn node_of(kubernetes: &Kubernetes, pod: &ProvenPod) -> Result<NodeFacts, EvidenceRefusal> {
    let found = kubernetes.in_turn(kubernetes.cluster.node(&pod.node)).await??;
    let gone = || EvidenceRefusal::NoNode { node: pod.node.clone(), uid: pod.node_uid };
    found.filter(|node| node.uid == pod.node_uid).ok_or_else(gone)
}

/// Holds the token against the pod of its name.
fn compare(token: ReviewedToken, pod: Option<PodFacts>) -> Result<ProvenPod, EvidenceRefusal> {
    let ReviewedToken { account, pod: name, pod_uid, node, node_uid } = token;
    let Some(found) = pod else { return Err(EvidenceRefusal::NoPod { pod: name }) };
    if found.uid != pod_uid {
        return Err(EvidenceRefusal::OtherPod { pod: name, token: pod_uid, found: found.uid });
    }
    if found.node.as_ref() != Some(&node) {
        return Err(EvidenceRefusal::OtherNode { pod: name, token: node });
    }
    if found.account != account {
        return Err(EvidenceRefusal::OtherAccount { pod: name, token: account, found: found.account });
    }
    if found.liveness == Liveness::Ended {
        return Err(EvidenceRefusal::Ended { pod: name });
    }
    let (address, has_sidecar) = (found.addresses.first().copied(), found.has_sidecar);
    let instance = InstanceId::from_bytes(*pod_uid.as_bytes());
    Ok(ProvenPod { name, instance, account, node, node_uid, address, has_sidecar })
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::Timestamp;

    use super::*;

    fn token() -> ReviewedToken {
        ReviewedToken {
            account: "ns/shop/sa/web".parse().unwrap(),
            pod: "shop/web-1".parse().unwrap(),
            pod_uid: Uid::from_bytes([1; 16]),
            node: "node-a".parse().unwrap(),
            node_uid: Uid::from_bytes([2; 16]),
        }
    }

    fn pod() -> PodFacts {
        PodFacts {
            uid: Uid::from_bytes([1; 16]),
            account: "ns/shop/sa/web".parse().unwrap(),
            node: Some("node-a".parse().unwrap()),
            liveness: Liveness::Living,
            addresses: vec![[10, 244, 1, 7].into()],
            created: Timestamp::from_secs(7),
            has_sidecar: true,
        }
    }

    #[test]
    fn the_pod_that_is_there_now_must_be_the_tokens() {
        let cases: [(&str, Option<PodFacts>, &str); 6] = [
            ("gone", None, "there is no pod `shop/web-1` any more"),
            ("another of its name", Some(PodFacts { uid: Uid::from_bytes([9; 16]), ..pod() }), "an earlier pod"),
            ("elsewhere", Some(PodFacts { node: Some("node-b".parse().unwrap()), ..pod() }), "stands on node `node-a`"),
            ("nowhere", Some(PodFacts { node: None, ..pod() }), "stands on node `node-a`"),
            (
                "of another account",
                Some(PodFacts { account: "ns/shop/sa/db".parse().unwrap(), ..pod() }),
                "runs as `ns/shop/sa/db`",
            ),
            ("ended", Some(PodFacts { liveness: Liveness::Ended, ..pod() }), "has ended"),
        ];
        for (what, found, expected) in cases {
            let refusal = compare(token(), found).unwrap_err();
            assert!(refusal.to_string().contains(expected) && !refusal.is_passing(), "{what}: {refusal}");
        }
    }

    #[test]
    fn a_pod_that_drains_is_still_served() {
        let draining = PodFacts { liveness: Liveness::Ending, ..pod() };
        let proven = compare(token(), Some(draining)).unwrap();
        assert_eq!(proven.instance.as_bytes(), &[1; 16]);
        assert_eq!(proven.address, Some([10, 244, 1, 7].into()));
    }
}
