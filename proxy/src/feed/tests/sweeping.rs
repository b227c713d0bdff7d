//! What ends by time, by the policy or by the own label, and not by a cutoff.

use std::time::Duration;

use bulkhead_mesh::Mode;
use bulkhead_protocol::feed::Statement;
use tokio::time::Instant;

use super::world::{Setting, World, cut_of};
use crate::subject::{Kind, Subject};
use crate::testing::certificates::NOW;
use crate::testing::{peer, policy};

const STRICT: &str = r#"{"staleness": {"internal": {"strict": "60s"}}}"#;

#[tokio::test(start_paused = true)]
async fn a_peer_is_closed_when_its_certificate_ends() {
    let (world, mut stream) = World::following(&Setting::new(), "{}").await;
    let (began, life) = (Instant::now(), Duration::from_secs(90));
    let ends = world.mesh.workload_until("db", "n2", "internal", NOW.plus(life));
    let (ending, other) = (world.enter_as(&ends, 5432).unwrap(), world.enter("n3").unwrap());
    tokio::select! {
        cause = cut_of(&ending) => assert_eq!(cause, "expired"),
        () = world.live_on(&mut stream, life * 2) => panic!("it was not closed"),
    }
    assert!(began.elapsed() >= life && began.elapsed() < life + Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(other.is_cut(), None);
}

#[tokio::test(start_paused = true)]
async fn a_strict_level_closes_everything_when_the_ca_has_been_silent_for_too_long() {
    let (mut world, watcher) = World::following(&Setting::new(), STRICT).await;
    let seat = world.enter("n2").unwrap();
    let outside = Subject { peer: None, kind: Kind::Egress { to: "192.0.2.1:443".parse().unwrap() } };
    assert!(world.registry.enter(outside).is_err(), "no egress rule");
    drop(watcher);
    let began = Instant::now();
    assert_eq!(cut_of(&seat).await, "stale");
    assert!(began.elapsed() > Duration::from_secs(58) && began.elapsed() < Duration::from_secs(62));
    assert_eq!(world.enter("n3").unwrap_err().as_str(), "stale");
    while world.calls.try_recv().is_ok() {}
    let position = world.ca.log.head();
    world.greeted(position).await;
    assert!(world.enter("n3").is_ok(), "a CA that is heard again makes it fresh");
}

#[tokio::test(start_paused = true)]
async fn a_best_effort_level_goes_on_until_certificates_end() {
    let (world, watcher) = World::following(&Setting::new(), "{}").await;
    let seat = world.enter("n2").unwrap();
    drop(watcher);
    tokio::time::sleep(Duration::from_hours(6)).await;
    assert_eq!((seat.is_cut(), world.enter("n3").is_ok()), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_narrower_policy_closes_what_it_forbids_and_nothing_else() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let (forbidden, other) = (world.enter_as(&world.db("n2"), 9000).unwrap(), world.enter("n2").unwrap());
    let rules = r#"{"rules": [{"name": "no", "deny": {"from": "any", "to": "any", "ports": [9000]}}]}"#;
    let position = world.ca.say(&Statement::Policy(policy(rules)));
    watcher.catch_up(&mut world.ca).await;
    assert_eq!((cut_of(&forbidden).await, other.is_cut()), ("denied", None));
    drop(forbidden);
    assert_eq!(watcher.acknowledgement(position).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_ends_takes_with_it_what_it_allowed() {
    let end = NOW.plus(Duration::from_secs(40));
    let rule = format!(
        r#"{{"rules": [{{"name": "once", "expires": "{end}",
            "allow": {{"from": "any", "to": "any"}}}}]}}"#
    );
    let (world, mut stream) = World::following(&Setting::new(), &rule).await;
    let shown = world.mesh.workload("db", "n2", "confidential");
    let began = Instant::now();
    let (seat, equal) = (world.enter_as(&shown, 5432).unwrap(), world.enter("n2").unwrap());
    tokio::select! {
        cause = cut_of(&seat) => assert_eq!(cause, "denied"),
        () = world.live_on(&mut stream, Duration::from_mins(2)) => panic!("it was not closed"),
    }
    assert!(began.elapsed() < Duration::from_secs(42));
    assert_eq!(equal.is_cut(), None);
}

#[tokio::test(start_paused = true)]
async fn the_date_until_which_a_workload_was_permissive_takes_with_it_who_has_no_certificate() {
    let until = NOW.plus(Duration::from_secs(40));
    let setting = Setting { mode: Mode::Permissive { until }, ..Setting::new() };
    let (world, mut stream) = World::following(&setting, "{}").await;
    let began = Instant::now();
    let enter = |kind| world.registry.enter(Subject { peer: None, kind }).map(|(seat, _)| seat);
    let to = "10.77.0.5:80".parse().unwrap();
    let (inbound, outbound) = (enter(Kind::Inbound { port: 5432 }).unwrap(), enter(Kind::Plain { to }).unwrap());
    let equal = world.enter("n2").unwrap();
    tokio::select! {
        causes = futures_util::future::join(cut_of(&inbound), cut_of(&outbound)) => assert_eq!(causes, ("denied", "denied")),
        () = world.live_on(&mut stream, Duration::from_mins(2)) => panic!("they were not closed"),
    }
    assert!(began.elapsed() >= Duration::from_secs(39) && began.elapsed() < Duration::from_secs(42));
    assert_eq!((equal.is_cut(), enter(Kind::Inbound { port: 5432 }).unwrap_err().as_str()), (None, "denied"));
}

#[tokio::test(start_paused = true)]
async fn a_permissive_workload_that_rises_to_the_highest_level_is_strict_at_once() {
    let setting = Setting { mode: Mode::Permissive { until: NOW.plus(Duration::from_hours(2)) }, ..Setting::new() };
    let (world, _watcher) = World::following(&setting, "{}").await;
    let plain = || Subject { peer: None, kind: Kind::Inbound { port: 5432 } };
    let (seat, _) = world.registry.enter(plain()).unwrap();
    world.relabel("restricted");
    assert_eq!((cut_of(&seat).await, world.registry.enter(plain()).unwrap_err().as_str()), ("denied", "denied"));
}

#[tokio::test(start_paused = true)]
async fn another_own_label_is_a_reason_to_decide_again() {
    let (world, _watcher) = World::following(&Setting::new(), "{}").await;
    let seat = world.enter("n2").unwrap();
    world.relabel("confidential");
    assert_eq!(cut_of(&seat).await, "denied");
    let equal = world.mesh.workload("db", "n2", "confidential");
    assert!(world.enter_as(&equal, 5432).is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_an_own_certificate_everything_is_closed() {
    let (world, _watcher) = World::following(&Setting::new(), "{}").await;
    let tunnel = Subject { peer: Some(peer(&world.mesh, &world.db("n2"))), kind: Kind::Tunnel };
    let (seat, (tunnel, _)) = (world.enter("n2").unwrap(), world.registry.enter(tunnel).unwrap());
    world.own.send_replace(None);
    assert_eq!((cut_of(&seat).await, cut_of(&tunnel).await), ("no-identity", "no-identity"));
}
