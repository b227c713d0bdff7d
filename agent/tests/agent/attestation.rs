//! An agent that is a pod joins by its token, and needs the token again only when its certificate is taken no more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bulkhead_agent::args::{Cli, Command};
use bulkhead_agent::run::Agent;
use bulkhead_agent::state::StateDirectory;
use bulkhead_daemon::chain;
use bulkhead_identity::Clock as _;
use clap::Parser as _;

use crate::fake_ca::FakeCa;
use crate::world::{Running, World, get, next_leaf, registration, until};

const TOKEN: &str = "pod.token.n1";
const MINUTE: Duration = Duration::from_mins(1);

/// A CA, and the files of a pod.
async fn world() -> (World, FakeCa) {
    let world = World::new();
    world.write_pod_files(TOKEN);
    let ca = world.ca().await;
    (world, ca)
}

async fn until_ready(agent: &Running) {
    until("readiness", || async { get(agent.admin, "/ready").await.contains("200 OK") }).await;
}

/// Waits until the admin port says this, while the clock goes on.
async fn until_told(world: &World, agent: &Running, path: &str, words: &str) {
    until(words, || async {
        world.clock.advance(Duration::from_millis(100));
        get(agent.admin, path).await.contains(words)
    })
    .await;
}

fn attests(world: &World) -> Vec<String> {
    world.books.attests.lock().unwrap().clone()
}

#[tokio::test]
async fn a_pods_token_becomes_the_identity_and_a_restart_needs_it_no_more() {
    let (world, ca) = world().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.pod("n1", &ca.address).await.unwrap();
    next_leaf(&mut world.follow(registration(1).id).await).await.unwrap();
    until_ready(&agent).await;
    agent.stop().await;
    assert_eq!(attests(&world), [TOKEN]);
    {
        let state = StateDirectory::open(&world.state()).unwrap();
        let membership = state.membership().unwrap().unwrap();
        assert_eq!((membership.node.as_str(), &membership.ca_addresses), ("n1", &vec![ca.address.clone()]));
        assert_eq!(state.node().unwrap().unwrap().chain.len(), 2);
    }
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    agent.stop().await;
    assert_eq!(attests(&world).len(), 1);
}

#[tokio::test]
async fn without_the_ca_a_node_lives_and_says_why_it_is_not_ready() {
    let (world, ca) = world().await;
    let address = ca.address.clone();
    ca.stop().await;
    let agent = world.pod("n1", &address).await.unwrap();
    until_told(&world, &agent, "/ready", "has not joined the mesh yet: the CA was asked").await;
    assert!(get(agent.admin, "/live").await.contains("200 OK"));
    let own = world.pki.ca(world.clock.now());
    let _ca = FakeCa::start_at(&address, world.books.clone(), own).await;
    until_told(&world, &agent, "/ready", "200 OK").await;
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_waits_for_the_ca_can_be_stopped() {
    let world = World::new();
    world.write_pod_files(TOKEN);
    let agent = world.pod("n1", "127.0.0.1:1").await.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn a_refused_node_waits_for_its_admission() {
    let (world, ca) = world().await;
    world.books.script(|script| script.refuse = true);
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_told(&world, &agent, "/ready", "the CA refused: node n1 is revoked").await;
    assert!(get(agent.admin, "/metrics").await.contains(r#"ca_requests_total{asked="attest",outcome="refused"} 1"#));
    world.write_pod_files("rotated.token.n1");
    world.books.script(|script| script.refuse = false);
    world.clock.advance(MINUTE);
    until_ready(&agent).await;
    assert_eq!(attests(&world).last().map(String::as_str), Some("rotated.token.n1"));
    agent.stop().await;
}

#[tokio::test]
async fn whoever_is_not_the_ca_gets_no_byte_of_the_token() {
    let (world, other) = (World::new(), World::new());
    world.write_pod_files(TOKEN);
    let impostor = FakeCa::start(world.books.clone(), world.pki.node("n2", world.clock.now())).await;
    let ca_of_another_mesh = other.ca().await;
    for ca in [&impostor, &ca_of_another_mesh] {
        let agent = world.pod("n1", &ca.address).await.unwrap();
        until_told(&world, &agent, "/ready", "is not the CA").await;
        agent.stop().await;
    }
    for books in [&world.books, &other.books] {
        assert_eq!(books.requests.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn an_answer_for_another_node_is_not_kept() {
    let (world, ca) = world().await;
    world.books.script(|script| script.attested = "n2");
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_told(&world, &agent, "/ready", "not for spiffe://prod.example/node/n1").await;
    assert!(!world.state().join("node.pem").exists());
    agent.stop().await;
}

#[tokio::test]
async fn a_node_that_was_admitted_anew_proves_itself_by_its_token() {
    let (world, ca) = world().await;
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    let before = std::fs::read(world.state().join("node.pem")).unwrap();
    world.write_pod_files("rotated.token.n1");
    world.books.script(|script| script.refuse_certificates = true);
    until("the second proof", || async {
        world.clock.advance(Duration::from_millis(100));
        attests(&world).len() >= 2
    })
    .await;
    world.books.script(|script| script.refuse_certificates = false);
    until("the new certificate", || {
        std::future::ready(std::fs::read(world.state().join("node.pem")).unwrap() != before)
    })
    .await;
    until_told(&world, &agent, "/metrics", "bulkhead_agent_ca_connected 1").await;
    assert_eq!(attests(&world)[1], "rotated.token.n1");
    agent.stop().await;
}

#[tokio::test]
async fn a_revoked_node_asks_rarely() {
    let (world, ca) = world().await;
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    world.books.script(|script| script.refuse = true);
    let week = Duration::from_hours(24 * 7);
    world.clock.advance(week / 3 + week / 12);
    let refused = r#"ca_requests_total{asked="attest",outcome="refused"} 1"#;
    until_told(&world, &agent, "/metrics", refused).await;
    assert!(get(agent.admin, "/ready").await.contains("200 OK"), "its certificate has not ended");
    // A rest is five minutes at least, and ten at most.
    world.clock.advance(4 * MINUTE);
    assert!(get(agent.admin, "/metrics").await.contains(refused));
    world.clock.advance(6 * MINUTE);
    until_told(&world, &agent, "/metrics", &refused.replace("} 1", "} 2")).await;
    assert_eq!(attests(&world).len(), 3);
    agent.stop().await;
}

#[tokio::test]
async fn an_identity_of_another_node_is_never_overwritten() {
    let (world, ca) = world().await;
    world.pod("n1", &ca.address).await.unwrap().stop().await;
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    agent.stop().await;
    let error = world.pod("n2", &ca.address).await.err().unwrap();
    assert!(chain(&error).contains("holds the identity of node n1") && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn an_identity_of_a_mesh_that_was_founded_anew_gives_way() {
    let (world, ca) = world().await;
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    agent.stop().await;
    let anew = World::new();
    let ca = anew.ca().await;
    std::fs::write(world.roots(), anew.pki.bundle().to_pem()).unwrap();
    let agent = world.pod("n1", &ca.address).await.unwrap();
    until_ready(&agent).await;
    assert_eq!(attests(&anew), [TOKEN]);
    agent.stop().await;
}

#[tokio::test]
async fn the_admin_port_is_for_this_host_alone_unless_it_is_exposed() {
    let (world, ca) = world().await;
    for (flags, opens) in [(&[][..], false), (&["--expose-admin"], true)] {
        let directory = |name: &str| world.home.path().join(name).to_str().unwrap().to_owned();
        let (state, sockets, token, roots) =
            (directory("state"), directory("sockets"), directory("token"), directory("root.pem"));
        let mut words = vec!["bulkhead-agent", "run", "--admin", "0.0.0.0:0", "--state-dir", &state];
        words.extend(["--socket-dir", &sockets, "--pod-token", &token, "--roots", &roots, "--ca", &ca.address]);
        words.extend(["--trust-domain", "prod.example", "--node", "n1"].iter().chain(flags));
        let Command::Run(args) = Cli::try_parse_from(words).unwrap().command else { panic!("not `run`") };
        assert_eq!(Agent::open(args.into(), world.clock.clone()).await.is_ok(), opens, "{flags:?}");
    }
}

#[test]
fn the_flags_of_the_token_come_together_or_not_at_all() {
    let all =
        ["--pod-token", "/t", "--roots", "/r", "--trust-domain", "prod.example", "--node", "n1", "--ca", "ca:15010"];
    let parse = |flags: &[&str]| Cli::try_parse_from([&["bulkhead-agent", "run"], flags].concat());
    assert!(parse(&all).is_ok() && parse(&[]).is_ok() && parse(&all[8..]).is_ok());
    for left_out in [0, 2, 4, 6, 8] {
        let some = [&all[..left_out], &all[left_out + 2..]].concat();
        let error = parse(&some).unwrap_err().to_string();
        assert!(error.contains(all[left_out]), "{error}");
    }
}
