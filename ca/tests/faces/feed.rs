//! Watch: welcome, snapshot, deltas, heartbeats.

use std::collections::BTreeSet;

use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_identity::{Demand, Limits as CertificateLimits, Verifier};
use bulkhead_mesh::ControlRole;
use bulkhead_protocol::feed::{FeedVerifier, Limits, Position, Statement};
use bulkhead_protocol::v1::{self, watch_reply::Message};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::people::Identity;
use crate::watcher::Watcher;
use crate::world::World;

pub(crate) async fn with_workload() -> (World, Identity, Identity) {
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
