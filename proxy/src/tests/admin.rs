//! What the admin port tells of a proxy.

use std::sync::Arc;

use bulkhead_daemon::{Stopper, Subject as _};
use tokio::sync::watch;

use super::support::SAME_LABEL;
use super::world::World;
use crate::admin::Condition;
use crate::lookout::Capture;

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let world = World::new(SAME_LABEL).await;
    let (capture, told) = watch::channel(Capture::Unknown);
    let (stopper, stop) = Stopper::new();
    let (obstacle, in_the_way) = watch::channel(None);
    let condition = Condition::new(Arc::clone(&world.client.sidecar), told, in_the_way, stop);
    let check = |expected: Option<&str>| {
        let missing = condition.not_ready();
        assert_eq!(missing.is_some(), expected.is_some(), "{missing:?}");
        assert!(missing.unwrap_or_default().contains(expected.unwrap_or_default()), "{expected:?}");
    };
    check(Some("not known yet"));
    capture.send_replace(Capture::Proved);
    check(None);
    capture.send_replace(Capture::Missing("IPv4: lost".into()));
    check(Some("not captured (IPv4: lost)"));
    capture.send_replace(Capture::Proved);
    let own = world.client.hands.own.send_replace(None);
    check(Some("no certificate"));
    obstacle.send_replace(Some("the CA refused: node `n1` is not admitted".into()));
    check(Some("this workload has no certificate (the CA refused: node `n1` is not admitted)"));
    world.client.hands.truth.store(crate::truth::Knowledge::nothing());
    check(Some("the CA refused"));
    world.client.hands.policy(SAME_LABEL);
    world.client.hands.own.send_replace(own);
    check(None);
    world.client.hands.truth.store(crate::truth::Knowledge::nothing());
    check(Some("policy"));
    world.client.hands.policy(SAME_LABEL);
    check(None);
    stopper.stop();
    check(Some("stopping"));
}

#[tokio::test]
async fn metrics_count_what_was_carried() {
    let world = World::new(SAME_LABEL).await;
    let (_capture, told) = watch::channel(Capture::Proved);
    let (_stopper, stop) = Stopper::new();
    let condition = Condition::new(Arc::clone(&world.client.sidecar), told, watch::channel(None).1, stop);
    let _talk = world.talk().await;
    let metrics = condition.metrics();
    for line in [
        r#"bulkhead_connections_opened_total{direction="outbound"} 1"#,
        r#"bulkhead_connections_live{direction="outbound"} 1"#,
        r#"bulkhead_tunnels_open{direction="outbound"} 1"#,
        "bulkhead_certificate_not_after_seconds 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}
