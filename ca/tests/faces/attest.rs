//! Attest: pods, nodes and the directory's source of a cluster, by their tokens.

use std::time::Duration;

use bulkhead_ca::audit::{Action, Actor};
use bulkhead_ca::evidence::ClusterSettings;
use bulkhead_ca::store::{Lane, RegistrationRecord, Role, StoreError};
use bulkhead_cluster::{ConfigText, Liveness, Uid};
use bulkhead_mesh::{InstanceId, Label};
use bulkhead_protocol::join_token::JoinToken;
use bulkhead_protocol::v1::attestation_client::AttestationClient;
use bulkhead_protocol::v1::{
    AdmitNodeRequest, AttestRequest, CreateTokenRequest, ListNodesRequest, ListWorkloadsRequest,
};
use tonic::{Code, Status};

use crate::cluster::{AGENT, CONTROLLER, auto, manual};
use crate::people::{Applicant, Identity};
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{World, soon};

const WEB: &str = "ns/shop/sa/web";

fn label(identity: &Identity) -> String {
    identity.leaf().content.label.as_ref().map(ToString::to_string).unwrap()
}

impl World {
    async fn admit(&self, node: &str, clearance: &str) -> Result<(), Status> {
        let (node, clearance) = (node.to_owned(), clearance.to_owned());
        let request = AdmitNodeRequest { node, clearance, lifetime_seconds: 3600 };
        self.owner().await.admit_node(request).await.map(drop)
    }

    async fn clearance_of(&self, node: &str) -> String {
        let nodes = self.owner().await.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
        nodes.into_iter().find(|known| known.name == node).unwrap().clearance
    }

    /// Lets time pass until the list of labels was found unreadable once more.
    async fn until_complaint(&self) {
        let before = self.ca().metrics.unreadable_labels.get();
        soon(async {
            while self.ca().metrics.unreadable_labels.get() == before {
                self.clock.advance(Duration::from_secs(2));
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Lets time pass until the pod gets a certificate with this label.
    async fn until_label(&self, token: &str, wanted: &str) -> Identity {
        soon(async {
            loop {
                match self.attest(token).await {
                    Ok(identity) if label(&identity) == wanted => return identity,
                    Err(status) if status.code() != Code::Unavailable => panic!("{status:?}"),
                    _ => self.clock.advance(Duration::from_secs(2)),
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_pods_certificate_says_its_account_its_node_and_its_uid() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    let before = world.audit_head().await.n;
    let web = world.attest("web-1").await.unwrap();
    let content = web.leaf().content;
    assert_eq!(content.id.to_string(), "spiffe://prod.example/ns/shop/sa/web");
    assert_eq!(content.node.unwrap().to_string(), "node-a/1");
    assert_eq!(content.instance, Some(InstanceId::from_bytes([1; 16])));
    assert_eq!(content.label, Some(Label::plain("internal".parse().unwrap())), "the policy's default label");
    let records = world.ca().store.read(move |now| now.audit_since(before, 10)).await.unwrap();
    let [issued] = &records[..] else { panic!("{records:?}") };
    assert_eq!(issued.record.actor, Actor::Pod("shop/web-1".parse().unwrap()));
    assert_eq!(issued.record.action, Action::IssueCertificate);
    // Again, as its sidecar does before the end: the same instance, another certificate.
    let next = world.attest("web-1").await.unwrap();
    assert_eq!((next.instance(), next.serial() == web.serial()), (web.instance(), false));
    let listed = world.owner().await.list_workloads(ListWorkloadsRequest {}).await.unwrap().into_inner().workloads;
    assert_eq!((listed.len(), listed[0].state.as_str()), (1, "issued"));
    Watcher::settled(&world, &next).await;
}

#[tokio::test]
async fn what_a_token_does_not_prove_gets_nothing_and_leaves_nothing() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.node("node-b", 0xb);
    for (name, number, node) in [
        ("other", 1, "node-a"),
        ("moved", 2, "node-a"),
        ("ended", 3, "node-a"),
        ("plain", 4, "node-a"),
        ("lost", 5, "node-b"),
        ("gone", 6, "node-a"),
        ("early", 7, "node-a"),
    ] {
        cluster.pod(name, number, WEB, node);
    }
    cluster.change(|objects| {
        objects.pods.get_mut("other").unwrap().uid = Uid::from_bytes([9; 16]);
        objects.pods.get_mut("moved").unwrap().node = Some("node-b".parse().unwrap());
        objects.pods.get_mut("ended").unwrap().liveness = Liveness::Ended;
        objects.pods.get_mut("plain").unwrap().has_sidecar = false;
        objects.pods.get_mut("early").unwrap().addresses.clear();
        objects.pods.remove("gone");
    });
    let head = world.audit_head().await;
    for (token, code, says) in [
        ("forged", Code::PermissionDenied, "the API server does not accept the token: invalid bearer token"),
        ("other", Code::PermissionDenied, "the token is for an earlier pod `shop/other`"),
        ("moved", Code::PermissionDenied, "the token says that pod `shop/moved` stands on node `node-a`"),
        ("ended", Code::PermissionDenied, "pod `shop/ended` has ended"),
        ("plain", Code::PermissionDenied, "pod `shop/plain` has no sidecar"),
        ("gone", Code::PermissionDenied, "there is no pod `shop/gone` any more"),
        ("lost", Code::Unavailable, "node `node-b`, on which pod `shop/lost` stands, has not joined the mesh yet"),
        ("early", Code::Unavailable, "pod `shop/early` has no address yet"),
    ] {
        assert_refused(world.attest(token).await, code, says);
    }
    cluster.change(|objects| objects.is_silent = true);
    assert_refused(world.attest("early").await, Code::Unavailable, "did not answer the question about a TokenReview");
    assert_eq!(world.audit_head().await, head);
    assert!(world.ca().store.read(|now| now.pods()).await.unwrap().is_empty());
    let metrics = world.ca().metrics.encode();
    for counted in [r#"call="attest",outcome="refused"} 8"#, r#"call="attest",outcome="failed"} 1"#] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
}

#[tokio::test]
async fn a_draining_pod_renews_until_it_has_ended() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    cluster.change(|objects| objects.pods.get_mut("web-1").unwrap().liveness = Liveness::Ending);
    world.attest("web-1").await.unwrap();
}

#[tokio::test]
async fn a_machine_under_an_admitted_name_is_not_that_node() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.node("node-a", 0xd);
    cluster.pod("web-1", 1, WEB, "node-a");
    let says = "node `node-a` is in the cluster with the UID 0d0d0d0d";
    assert_refused(world.attest("web-1").await, Code::PermissionDenied, says);
}

#[tokio::test]
async fn a_revoked_nodes_tokens_are_worthless_under_its_name_and_as_its_machine() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    let web = world.attest("web-1").await.unwrap();
    world.revoke("node-a").await;
    cluster.pod("controller", 2, CONTROLLER, "node-a");
    for token in ["web-1", "agent-a", "controller"] {
        assert_refused(world.attest(token).await, Code::PermissionDenied, "was revoked at");
    }
    assert!(world.connect(Some(&web)).await.is_err(), "its certificate is cut off as well");
    // The same machine under another name.
    cluster.node("node-z", 0xa);
    cluster.pod("agent-z", 3, AGENT, "node-z");
    cluster.pod("controller-z", 4, CONTROLLER, "node-z");
    for token in ["agent-z", "controller-z"] {
        assert_refused(world.attest(token).await, Code::PermissionDenied, "was revoked as node `node-a/1`");
    }
    assert_refused(world.admit("node-a", "internal").await, Code::PermissionDenied, "was revoked at");
}

#[tokio::test]
async fn a_node_comes_in_by_itself_with_what_the_cluster_says_of_it_or_else_the_ceiling() {
    let (world, cluster) = World::with_node(auto("internal")).await;
    assert_eq!(world.clearance_of("node-a").await, "internal");
    cluster.node("node-b", 0xb);
    cluster.label_node("node-b", "confidential.pci.eu");
    cluster.pod("agent-b", 1, AGENT, "node-b");
    let node = world.attest("agent-b").await.unwrap();
    assert_eq!(node.leaf().content.id.to_string(), "spiffe://prod.example/node/node-b");
    assert_eq!(world.clearance_of("node-b").await, "confidential:eu,pci");
    // It is a node as any other: it renews, and hears of its registrations.
    world.renew(&node).await.unwrap();
    for (value, code, says) in [
        ("cosmic", Code::InvalidArgument, "this mesh has no level `cosmic`"),
        ("Top", Code::PermissionDenied, "is `Top`, which is not `level`"),
    ] {
        cluster.label_node("node-b", value);
        assert_refused(world.attest("agent-b").await, code, says);
    }
}

#[tokio::test]
async fn an_agent_that_lost_its_key_comes_back_on_the_same_machine_only() {
    let (world, cluster) = World::of_cluster(manual()).await;
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 2, AGENT, "node-a");
    world.admit("node-a", "restricted").await.unwrap();
    world.attest("agent-a").await.unwrap();
    // Another key each time, on the same machine.
    world.attest("agent-a").await.unwrap();
    cluster.node("node-a", 0xd);
    cluster.pod("agent-d", 1, AGENT, "node-a");
    assert_refused(world.attest("agent-d").await, Code::PermissionDenied, "with the UID 0d0d0d0d");
    world.admit("node-a", "public").await.unwrap();
    world.attest("agent-d").await.unwrap();
    assert_eq!(world.clearance_of("node-a").await, "public");
}

#[tokio::test]
async fn a_node_waits_for_an_operators_word_and_takes_it_once() {
    let (world, cluster) = World::of_cluster(manual()).await;
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 1, AGENT, "node-a");
    assert_refused(world.attest("agent-a").await, Code::Unavailable, "node `node-a` waits to be admitted");
    assert_refused(world.admit("node-a", "cosmic").await, Code::InvalidArgument, "no level `cosmic`");
    world.admit("node-a", "restricted:pci").await.unwrap();
    world.attest("agent-a").await.unwrap();
    assert_eq!(world.clearance_of("node-a").await, "restricted:pci");
    let head = world.audit_head().await.n;
    let records = world.ca().store.read(move |now| now.audit_since(head - 2, 10)).await.unwrap();
    let actions: Vec<_> = records.iter().map(|record| record.record.action).collect();
    assert_eq!(actions, [Action::OrderNode, Action::AdmitNode]);
}

#[tokio::test]
async fn whoever_lets_a_node_run_more_than_it_may_must_be_an_owner() {
    let (world, cluster) = World::of_cluster(manual()).await;
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 1, AGENT, "node-a");
    let operator = world.add_operator("olga", Role::Operator).await;
    let admit = async |who: &Identity, clearance: &str| {
        let (node, clearance) = ("node-a".to_owned(), clearance.to_owned());
        world.admin(who).await.admit_node(AdmitNodeRequest { node, clearance, lifetime_seconds: 3600 }).await
    };
    admit(&operator, "confidential:pci").await.unwrap();
    world.attest("agent-a").await.unwrap();
    admit(&operator, "internal:pci").await.unwrap();
    for more in ["restricted:pci", "confidential:pci,eu"] {
        assert_refused(admit(&operator, more).await, Code::PermissionDenied, "owner");
        let (node, clearance) = ("node-a".to_owned(), more.to_owned());
        let token = CreateTokenRequest { node, clearance, lifetime_seconds: 3600 };
        assert_refused(world.admin(&operator).await.create_token(token).await, Code::PermissionDenied, "owner");
        admit(&world.founder, more).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_made_for_a_new_name_does_not_widen_what_the_node_may_since() {
    let (world, cluster) = World::of_cluster(manual()).await;
    let operator = world.add_operator("olga", Role::Operator).await;
    let token = async |who: &Identity, clearance: &str| {
        let (node, clearance) = ("node-a".to_owned(), clearance.to_owned());
        let request = CreateTokenRequest { node, clearance, lifetime_seconds: 3600 };
        let made = world.admin(who).await.create_token(request).await.unwrap().into_inner();
        made.token.parse::<JoinToken>().unwrap()
    };
    let (wide, wider) = (token(&operator, "restricted").await, token(&world.founder, "restricted").await);
    let request =
        AdmitNodeRequest { node: "node-a".to_owned(), clearance: "restricted".to_owned(), lifetime_seconds: 3600 };
    world.admin(&operator).await.admit_node(request).await.unwrap();
    let narrow = token(&operator, "public").await;
    world.ask_to_join(&narrow, Applicant::new().csr()).await.unwrap();
    let says = "node `node-a` may run `public`, and whoever let it in anew may not let it run `restricted`";
    assert_refused(world.ask_to_join(&wide, Applicant::new().csr()).await, Code::PermissionDenied, says);
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 1, AGENT, "node-a");
    assert_refused(world.attest("agent-a").await, Code::PermissionDenied, says);
    assert_eq!(world.clearance_of("node-a").await, "public");
    world.ask_to_join(&wider, Applicant::new().csr()).await.unwrap();
    assert_eq!(world.clearance_of("node-a").await, "restricted");
}

#[tokio::test]
async fn what_an_operator_said_of_a_node_outlives_what_its_cluster_says() {
    let (world, cluster) = World::of_cluster(auto("internal")).await;
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 1, AGENT, "node-a");
    world.admit("node-a", "public").await.unwrap();
    world.attest("agent-a").await.unwrap();
    cluster.label_node("node-a", "restricted");
    world.attest("agent-a").await.unwrap();
    assert_eq!(world.clearance_of("node-a").await, "public");
    // Nor does another machine get it under that name by itself.
    cluster.node("node-a", 0xd);
    cluster.pod("agent-d", 2, AGENT, "node-a");
    assert_refused(world.attest("agent-d").await, Code::PermissionDenied, "with the UID 0d0d0d0d");
}

#[tokio::test]
async fn a_pod_that_asks_again_and_again_is_put_off_for_a_minute_and_nobody_else_is() {
    let settings = ClusterSettings { certificates_per_minute: 2, ..auto("restricted") };
    let (world, cluster) = World::with_node(settings).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    cluster.pod("web-2", 2, WEB, "node-a");
    for _ in 0..2 {
        world.attest("web-1").await.unwrap();
    }
    let head = world.audit_head().await;
    let says = "pod `shop/web-1` was issued 2 certificates within a minute";
    assert_refused(world.attest("web-1").await, Code::Unavailable, says);
    assert_eq!(world.audit_head().await, head, "it leaves nothing on the disk");
    world.attest("web-2").await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    world.attest("web-1").await.unwrap();
}

#[tokio::test]
async fn a_machine_that_takes_an_admitted_name_comes_in_by_itself_and_the_audit_log_says_so() {
    let (world, cluster) = World::with_node(auto("internal")).await;
    cluster.node("node-a", 0xd);
    cluster.pod("agent-d", 1, AGENT, "node-a");
    world.attest("agent-d").await.unwrap();
    let head = world.audit_head().await.n;
    let records = world.ca().store.read(move |now| now.audit_since(head - 1, 1)).await.unwrap();
    let detail = &records[0].record.detail;
    assert!(detail.contains("in place of 0a0a0a0a") && detail.contains("UID 0d0d0d0d"), "{detail}");
}

#[tokio::test]
async fn a_label_outside_the_nodes_clearance_is_refused_by_both_names() {
    let settings =
        ClusterSettings { bindings: Some("bulkhead-system/bulkhead-labels".parse().unwrap()), ..auto("internal") };
    let (world, cluster) = World::with_node(settings).await;
    cluster.bind("1", "- { namespace: shop, service-account: db, label: restricted }\n");
    cluster.pod("db-1", 1, "ns/shop/sa/db", "node-a");
    cluster.pod("web-1", 2, WEB, "node-a");
    world.until_label("web-1", "internal").await;
    let says = "label `restricted` is outside the clearance of node `node-a`, which is `internal`";
    soon(async {
        while world.attest("db-1").await.is_ok_and(|identity| label(&identity) == "internal") {
            world.clock.advance(Duration::from_secs(2));
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_refused(world.attest("db-1").await, Code::PermissionDenied, says);
}

#[tokio::test]
async fn nobody_has_a_label_before_the_list_could_be_read_and_the_last_good_one_stays() {
    let settings =
        ClusterSettings { bindings: Some("bulkhead-system/bulkhead-labels".parse().unwrap()), ..auto("restricted") };
    let (world, cluster) = World::of_cluster_with(settings, |cluster| cluster.bind("1", "- nonsense\n")).await;
    cluster.node("node-a", 0xa);
    cluster.pod("agent-a", 0xaa, AGENT, "node-a");
    world.attest("agent-a").await.unwrap();
    cluster.pod("db-1", 1, "ns/shop/sa/db", "node-a");
    assert_refused(world.attest("db-1").await, Code::Unavailable, "labels has not been read yet");
    cluster.bind("2", GOOD);
    world.until_label("db-1", "restricted").await;
    for unreadable in [
        Some("- { namespace: shop }\n"),
        Some("- { namespace: shop, service-account: db, label: cosmic }\n"),
        Some(""),
        // The key is missing, and then the whole ConfigMap.
        None,
    ] {
        let text = unreadable.map(ToOwned::to_owned);
        cluster.change(|objects| objects.labels = Some(ConfigText { version: format!("{unreadable:?}"), text }));
        world.until_complaint().await;
        assert_eq!(label(&world.attest("db-1").await.unwrap()), "restricted", "{unreadable:?}");
        cluster.bind("4", GOOD);
    }
    cluster.change(|objects| objects.labels = None);
    world.until_complaint().await;
    assert_eq!(label(&world.attest("db-1").await.unwrap()), "restricted");
}

const GOOD: &str = "- { namespace: shop, service-account: db, label: restricted }\n";

#[tokio::test]
async fn a_changed_label_cuts_off_what_was_issued_before_and_the_next_certificate_lives() {
    let settings =
        ClusterSettings { bindings: Some("bulkhead-system/bulkhead-labels".parse().unwrap()), ..auto("restricted") };
    let (world, cluster) = World::with_node(settings).await;
    cluster.pod("db-1", 1, "ns/shop/sa/db", "node-a");
    let before = world.until_label("db-1", "internal").await;
    Watcher::settled(&world, &before).await;
    cluster.bind("1", "- { namespace: shop, service-account: \"*\", label: restricted }\n");
    let cut = soon(async {
        while world.connect(Some(&before)).await.is_ok() {
            world.clock.advance(Duration::from_secs(2));
            tokio::task::yield_now().await;
        }
    });
    cut.await;
    let after = world.until_label("db-1", "restricted").await;
    Watcher::settled(&world, &after).await;
    let records = world.ca().store.read(|now| now.audit_since(0, 1000)).await.unwrap();
    let relabelled = records.iter().filter(|record| record.record.action == Action::RelabelWorkload).count();
    assert_eq!(relabelled, 1);
}

#[tokio::test]
async fn more_pods_than_one_transaction_takes_are_all_relabelled() {
    let settings =
        ClusterSettings { bindings: Some("bulkhead-system/bulkhead-labels".parse().unwrap()), ..auto("restricted") };
    let (world, cluster) = World::with_node(settings).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    world.until_label("web-1", "internal").await;
    let store = &world.ca().store;
    let first = store.read(|now| now.pods()).await.unwrap().remove(0);
    let copies = (2..=1100_u16).map(move |number| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        RegistrationRecord { id: InstanceId::from_bytes(id), ..first.clone() }
    });
    let written = store.write(Lane::Ordinary, |tx| {
        copies.into_iter().try_for_each(|copy| tx.put_pod(&copy).map(drop))?;
        Ok::<_, StoreError>(())
    });
    written.await.unwrap();
    cluster.bind("1", "- { namespace: shop, service-account: web, label: restricted }\n");
    let restricted: Label = "restricted".parse().unwrap();
    soon(async {
        while store.read(|now| now.pods()).await.unwrap().iter().any(|pod| pod.label != restricted) {
            world.clock.advance(Duration::from_secs(2));
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_directorys_source_gets_its_purpose_for_an_hour() {
    let (world, cluster) = World::of_cluster(auto("internal")).await;
    cluster.node("node-a", 0xa);
    cluster.pod("controller", 1, CONTROLLER, "node-a");
    let source = world.attest("controller").await.unwrap();
    let leaf = source.leaf();
    assert_eq!(leaf.content.id.to_string(), "spiffe://prod.example/control/directory");
    assert_eq!(leaf.not_after.since(world.now()).as_secs(), 3600);
    assert_eq!((leaf.content.node, leaf.content.instance), (None, None));
}

#[tokio::test]
async fn a_ca_of_no_cluster_takes_no_token_and_none_takes_a_certificate_with_it() {
    let world = World::new().await;
    assert_refused(world.attest("web-1").await, Code::FailedPrecondition, "belongs to no Kubernetes cluster");
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.pod("web-1", 1, WEB, "node-a");
    let web = world.attest("web-1").await.unwrap();
    let request = AttestRequest { token: "web-1".to_owned(), csr: Applicant::new().csr() };
    let again = AttestationClient::new(world.channel(&web).await).attest(request).await;
    assert_refused(again, Code::PermissionDenied, "this call takes no certificate");
}

#[tokio::test]
async fn a_nodes_word_does_not_stand_for_a_pods_token() {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    let node = world.attest_as("agent-a", &Applicant::new()).await.unwrap();
    cluster.pod("web-1", 1, WEB, "node-a");
    let web = world.attest("web-1").await.unwrap();
    let registration =
        bulkhead_protocol::v1::Registration { id: web.instance().as_bytes().to_vec(), ..Default::default() };
    assert_refused(world.issue(&node, &registration).await, Code::PermissionDenied, "is registered on node `node-a`");
}
