//! Workloads that are permissive until a date: what passes in clear, who sees that it does, and when it ends.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stopper, Subject as _};
use bulkhead_mesh::{Entry, Resolution, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::lines::{connection, line};
use super::support::{SAME_LABEL, is_reset, says, within};
use super::world::World;
use crate::admin::Condition;
use crate::lookout::Capture;
use crate::permissive::say_aloud;
use crate::sidecar::Sidecar;
use crate::testing::certificates::NOW;
use crate::testing::{own, svid};

fn in_an_hour() -> Timestamp {
    NOW.plus(Duration::from_hours(1))
}

fn metrics(sidecar: &Arc<Sidecar>) -> String {
    let (_capture, told) = watch::channel(Capture::Proved);
    let (_stopper, stop) = Stopper::new();
    Condition::new(Arc::clone(sidecar), told, watch::channel(None).1, stop).metrics()
}

fn has(sidecar: &Arc<Sidecar>, lines: &[&str]) {
    let metrics = metrics(sidecar);
    for line in lines {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn whoever_calls_in_clear_is_let_in_until_the_date_and_then_cut() {
    let world = World::permissive(SAME_LABEL, in_an_hour()).await;
    let to = world.server.address();
    let (mut client, _) = world.server.plain_call(to).await;
    let (mut server, _) = within("the call", world.server.app.accept()).await.unwrap();
    says(&mut client, &mut server, "from outside").await;
    let (mut meshed, mut answering) = world.talk().await;
    assert_eq!(world.server.hands.wait_until(in_an_hour()), 1);
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    let line = connection("inbound", client.local_addr().unwrap(), to).await;
    assert_eq!((&line["rule"], &line["reason"]), (&"permissive".into(), &"denied-later".into()), "{line}");
    let (mut late, _) = world.server.plain_call(to).await;
    is_reset(&mut late).await;
    let line = connection("inbound", late.local_addr().unwrap(), to).await;
    assert_eq!((&line["rule"], &line["reason"]), (&serde_json::Value::Null, &"denied".into()), "{line}");
    says(&mut meshed, &mut answering, "not noticed").await;
}

#[tokio::test]
async fn a_plain_address_is_called_until_the_date_and_then_cut() {
    let world = World::permissive(SAME_LABEL, in_an_hour()).await;
    let plain = TcpListener::bind("127.0.2.79:0").await.unwrap();
    let to = plain.local_addr().unwrap();
    world.client.hands.at(to.ip(), Resolution::Entry(Entry::Plain));
    let mut client = world.client.call(to).await;
    let (mut server, _) = within("the call", plain.accept()).await.unwrap();
    says(&mut client, &mut server, "print").await;
    assert_eq!(world.client.hands.wait_until(in_an_hour()), 1);
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert_eq!((&line["rule"], &line["reason"]), (&"permissive".into(), &"denied-later".into()), "{line}");
    is_reset(&mut world.client.call(to).await).await;
}

#[tokio::test]
async fn a_workload_with_a_sidecar_is_still_reached_by_a_tunnel_and_nobody_else_by_guessing() {
    let world = World::permissive(SAME_LABEL, in_an_hour()).await;
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "hello").await;
    assert!(!world.client.pool.is_empty());
    has(&world.client.sidecar, &[r#"bulkhead_connections_permitted_total{direction="outbound",ground="default"} 1"#]);
    let unknown = TcpListener::bind("127.0.2.80:0").await.unwrap();
    let outside = TcpListener::bind("127.0.9.2:0").await.unwrap();
    for (nobody, reason) in [(unknown, "unknown-address"), (outside, "denied")] {
        let to = nobody.local_addr().unwrap();
        let mut client = world.client.call(to).await;
        is_reset(&mut client).await;
        assert_eq!(connection("outbound", client.local_addr().unwrap(), to).await["reason"], reason);
        assert!(futures_util::FutureExt::now_or_never(nobody.accept()).is_none(), "somebody called {to}");
    }
}

#[tokio::test]
async fn a_rule_that_denies_is_not_undone() {
    let world = World::permissive(SAME_LABEL, in_an_hour()).await;
    let deny = r#"{ "name": "no-plain", "deny": { "from": "unauthenticated", "to": "any" } }"#;
    world.server.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "rules": [{deny}] }}"#)));
    let to = world.server.address();
    let (mut client, _) = world.server.plain_call(to).await;
    is_reset(&mut client).await;
    let line = connection("inbound", client.local_addr().unwrap(), to).await;
    assert_eq!((&line["rule"], &line["reason"]), (&"rule `no-plain`".into(), &"denied".into()), "{line}");
}

#[tokio::test]
async fn the_highest_level_is_strict_and_says_so() {
    let until = NOW.plus(Duration::from_secs(3601));
    let world = World::permissive(SAME_LABEL, until).await;
    let restricted = own(&svid(&world.mesh, &world.mesh.workload("db", "n2", "restricted"), 2));
    world.server.hands.own.send_replace(Some(restricted));
    let (mut client, _) = world.server.plain_call(world.server.address()).await;
    is_reset(&mut client).await;
    let ends = format!("bulkhead_permissive_until_seconds {}", until.as_secs());
    has(&world.server.sidecar, &["bulkhead_permissive 0", &ends]);
    let (_stopper, stop) = Stopper::new();
    tokio::spawn(say_aloud(Arc::clone(&world.server.sidecar), stop));
    let told = format!("permissive until {until}");
    let line = line(&[("mode", &told), ("level", "ERROR")]).await;
    assert!(line["message"].as_str().unwrap().contains("not for the highest level"), "{line}");
}

#[tokio::test]
async fn what_passes_is_counted_and_that_it_may_is_said_aloud() {
    let until = NOW.plus(Duration::from_secs(3602));
    let world = World::permissive(SAME_LABEL, until).await;
    let policy = world.server.hands.truth.load();
    world.server.hands.truth.store(crate::truth::Knowledge::nothing());
    let (stopper, stop) = Stopper::new();
    let speaking = tokio::spawn(say_aloud(Arc::clone(&world.server.sidecar), stop));
    let said = |field: &'static str, value: String, word: &'static str| async move {
        let line = line(&[(field, &value), ("level", "WARN")]).await;
        assert!(line["message"].as_str().unwrap().contains(word), "{line}");
    };
    said("mode", format!("permissive until {until}"), "PERMISSIVE was asked for").await;
    has(&world.server.sidecar, &["bulkhead_permissive 0"]);
    world.server.hands.truth.store(policy.as_ref().clone());
    said("until", until.to_string(), "PERMISSIVE: who has no certificate").await;
    let ends = format!("bulkhead_permissive_until_seconds {}", until.as_secs());
    let (_client, _) = world.server.plain_call(world.server.address()).await;
    let _server = within("the call", world.server.app.accept()).await.unwrap();
    let counted = r#"bulkhead_connections_permitted_total{direction="inbound",ground="permissive"} 1"#;
    has(&world.server.sidecar, &["bulkhead_permissive 1", &ends, counted]);
    world.server.hands.wait_until(until);
    said("at", until.to_string(), "permissive has ended").await;
    has(&world.server.sidecar, &["bulkhead_permissive 0", &ends]);
    stopper.stop();
    within("the end of the speaker", speaking).await.unwrap();
}
