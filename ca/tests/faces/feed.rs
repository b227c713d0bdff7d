//! Watch: welcome, snapshot, deltas, heartbeats, and what ends a stream.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_ca::store::{Lane, StoreError};
use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_identity::{Clock as _, Demand, Limits as CertificateLimits, Verifier};
use bulkhead_mesh::ControlRole;
use bulkhead_protocol::feed::{FeedVerifier, Limits, Position, Statement};
use bulkhead_protocol::v1::{self, watch_reply::Message, watch_request};
use rustls_pki_types::CertificateDer;
use tonic::Code;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::people::Identity;
use crate::watcher::Watcher;
use crate::world::{World, assert_refused};

async fn with_workload() -> (World, Identity, Identity) {
    let world = World::new().await;
    let node = world.node("n1").await;
    let web = world.workload(&node, "ns/shop/sa/web", [10, 77, 0, 1]).await;
    (world, node, web)
}

#[tokio::test]
async fn a_watcher_is_welcomed_and_told_issuers_and_policy_under_the_feeds_own_certificate() {
    let (world, _, web) = with_workload().await;
    let mut watcher = Watcher::open(world.channel(&web).await).await.unwrap();
    watcher.hello(None).await;
    let Message::Welcome(welcome) = watcher.next().await else { panic!("the first message is the welcome") };
    assert!(welcome.snapshot);
    let verifier = feed_key(&world, &welcome);
    let mut said = Vec::new();
    let end = loop {
        match watcher.next().await {
            Message::Fact(fact) => {
                said.push(Statement::decode(&verifier.fact(fact).unwrap(), &Limits::default()).unwrap());
            }
            Message::SnapshotEnd(end) => break end,
            other => panic!("{other:?}"),
        }
    };
    let issuers = [world.ca().authority.issuing().digest(), world.ca().authority.control().digest()];
    let expected = [Statement::Issuers(BTreeSet::from(issuers).into()), Statement::Policy(world.ca().known.policy())];
    assert_eq!(said, expected);
    assert_eq!((end.facts, end.position), (2, welcome.head));
}

#[tokio::test]
async fn a_heartbeat_carries_the_cas_time_and_the_head_of_the_audit_log() {
    let (world, _, web) = with_workload().await;
    let (mut watcher, position) = Watcher::settled(&world, &web).await;
    let beat = watcher.heartbeat().await;
    assert_eq!(beat.now_millis, world.now().as_millis());
    assert_eq!(Position::from(beat.head.unwrap()), position);
    assert_eq!(beat.audit_head, world.audit_head().await.hash);
}

#[tokio::test]
async fn a_new_policy_comes_as_the_next_fact() {
    let (world, _, web) = with_workload().await;
    let (mut watcher, position) = Watcher::settled(&world, &web).await;
    let applied = apply(&world, "default: dominates\n").await;
    assert_eq!(position.next(), Some(applied));
    let fact = watcher.fact().await;
    assert_eq!((fact.incarnation, fact.n), (applied.incarnation.number(), applied.n));
}

#[tokio::test]
async fn who_comes_back_resumes_where_he_was() {
    let (world, _, web) = with_workload().await;
    let (watcher, position) = Watcher::settled(&world, &web).await;
    drop(watcher);
    let applied = apply(&world, "default: dominates\n").await;
    let mut watcher = Watcher::open(world.channel(&web).await).await.unwrap();
    watcher.hello(Some(position)).await;
    let Message::Welcome(welcome) = watcher.next().await else { panic!("the first message is the welcome") };
    assert!(!welcome.snapshot);
    let Message::Fact(fact) = watcher.next().await else { panic!("then what was missed") };
    assert_eq!(Position::from(v1::Position { incarnation: fact.incarnation, n: fact.n }), applied);
    let Message::Heartbeat(_) = watcher.next().await else { panic!("and nothing else") };
}

#[tokio::test]
async fn who_remembers_more_than_the_ca_is_counted() {
    let (world, _, web) = with_workload().await;
    let (_, position) = Watcher::settled(&world, &web).await;
    let mut watcher = Watcher::open(world.channel(&web).await).await.unwrap();
    watcher.hello(position.next()).await;
    let Message::Welcome(welcome) = watcher.next().await else { panic!("the first message is the welcome") };
    assert!(welcome.snapshot);
    assert_eq!(world.ca().metrics.regressions.get(), 1);
}

#[tokio::test]
async fn a_node_is_told_its_own_registrations_at_first_and_after_each_change() {
    let world = World::new().await;
    let (first, _) = (world.node("n1").await, world.node("n2").await);
    let web = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    world.register("n2", "ns/shop/sa/db", [10, 77, 0, 2]).await;
    let mut watcher = Watcher::open(world.channel(&first).await).await.unwrap();
    watcher.hello(None).await;
    assert_eq!(watcher.registrations().await, std::slice::from_ref(&web));
    let api = world.register("n1", "ns/shop/sa/api", [10, 77, 0, 3]).await;
    assert_eq!(watcher.registrations().await, [api.clone(), web.clone()]);
    // Neither a registration elsewhere nor a certificate is news to this node.
    world.register("n2", "ns/shop/sa/db", [10, 77, 0, 4]).await;
    world.issue(&first, &web).await.unwrap();
    world.remove(&web).await;
    assert_eq!(watcher.registrations().await, [api]);
}

#[tokio::test]
async fn a_watcher_that_breaks_a_rule_is_told_which_and_dropped() {
    let (world, _, web) = with_workload().await;
    let (_, position) = Watcher::settled(&world, &web).await;
    let ahead = v1::Enforced { position: position.next().map(Into::into), connections_closed: 0 };
    let incapable = v1::Hello { capabilities: Vec::new(), holds: None, version: "0".to_owned() };
    let hello = || {
        watch_request::Message::Hello(v1::Hello {
            capabilities: vec![bulkhead_protocol::feed::FACTS_1.to_owned()],
            ..incapable.clone()
        })
    };
    let lookup =
        |address: &[u8]| watch_request::Message::Lookup(v1::Lookup { address: address.to_vec(), afresh: false });
    let rules = [
        (vec![hello(), watch_request::Message::Enforced(ahead)], Code::InvalidArgument, "but was sent only"),
        (vec![hello(), hello()], Code::InvalidArgument, "Hello was said before"),
        (vec![lookup(&[10, 77, 0, 1])], Code::InvalidArgument, "the first message must be Hello"),
        (vec![hello(), lookup(&[1, 2, 3])], Code::InvalidArgument, "`lookup.address` has 3 bytes"),
        (vec![watch_request::Message::Hello(incapable.clone())], Code::FailedPrecondition, "does not know `facts-1`"),
    ];
    for (messages, code, says) in rules {
        let mut watcher = Watcher::open(world.channel(&web).await).await.unwrap();
        for message in messages {
            watcher.say(message).await;
        }
        assert_refused(Err::<(), _>(watcher.ended().await), code, says);
    }
}

#[tokio::test]
async fn a_stream_does_not_outlive_the_certificate_that_opened_it() {
    let (world, node, web) = with_workload().await;
    let (mut watcher, position) = Watcher::settled(&world, &web).await;
    world.advance(Duration::from_hours(12) + Duration::from_secs(1)).await;
    assert_refused(Err::<(), _>(watcher.ended().await), Code::Aborted, "the certificate of this stream ended at");
    let registration = world.ca().store.read(|now| Ok::<_, StoreError>(now.registrations()?.remove(0))).await.unwrap();
    let registration = v1::Registration { id: registration.id.as_bytes().to_vec(), ..Default::default() };
    let renewed = world.issue(&node, &registration).await.unwrap();
    assert_eq!(Watcher::settled(&world, &renewed).await.1, position);
}

#[tokio::test]
async fn a_workload_whose_registration_was_removed_hears_nothing_more() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let web = world.issue(&node, &registration).await.unwrap();
    let (mut watcher, _) = Watcher::settled(&world, &web).await;
    world.remove(&registration).await;
    let ended = watcher.ended().await;
    assert_eq!(ended.code(), Code::PermissionDenied);
    let again = Watcher::open(world.channel(&web).await).await.map(drop);
    assert_eq!(again.as_ref().unwrap_err().message(), ended.message());
    assert!(ended.message().contains("is not registered any more"), "{ended:?}");
}

#[tokio::test]
async fn what_is_written_to_the_store_by_another_way_is_told_all_the_same() {
    let (world, node, _) = with_workload().await;
    let (mut watcher, _) = Watcher::settled(&world, &node).await;
    let now = world.clock.now();
    let quarantined = world.ca().store.write(Lane::Ordinary, move |tx| {
        tx.quarantine_node(&"n1".parse().unwrap(), now, &"to be looked at".parse().unwrap())
    });
    quarantined.await.unwrap();
    assert_refused(Err::<(), _>(watcher.ended().await), Code::PermissionDenied, "to be looked at");
}

async fn apply(world: &World, yaml: &str) -> Position {
    let request = v1::ApplyPolicyRequest { yaml: yaml.to_owned() };
    world.owner().await.apply_policy(request).await.unwrap().into_inner().position.unwrap().into()
}

/// The key of the chain in a welcome, which must be that of `/control/feed`.
fn feed_key(world: &World, welcome: &v1::Welcome) -> FeedVerifier {
    let chain: Vec<_> = welcome.feed_chain.iter().cloned().map(CertificateDer::from).collect();
    let verifier = Verifier {
        bundle: world.ca().authority.bundle(),
        demand: &Demand::control(ControlRole::Feed),
        truth: &world.ca().known.truth(),
        limits: &CertificateLimits::default(),
    };
    verifier.verify(&chain, world.now()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    FeedVerifier::new(leaf.public_key().raw).unwrap()
}
