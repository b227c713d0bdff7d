//! What ends a stream of the feed: a broken rule, and a watcher that is not served any more.

use std::time::Duration;

use bulkhead_ca::store::{Lane, StoreError};
use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_protocol::feed::FACTS_1;
use bulkhead_protocol::transport::ConnectError;
use bulkhead_protocol::v1::{self, watch_reply::Message, watch_request};
use tonic::Code;

use crate::feed::with_workload;
use crate::people::Identity;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{NODE_LIFETIME, World, soon};

#[tokio::test]
async fn a_watcher_that_breaks_a_rule_is_told_which_and_dropped() {
    let (world, _, web) = with_workload().await;
    let (_, position) = Watcher::settled(&world, &web).await;
    let ahead = v1::Enforced { position: position.next().map(Into::into), connections_closed: 0 };
    let incapable = v1::Hello { capabilities: Vec::new(), holds: None, version: "0".to_owned() };
    let hello =
        || watch_request::Message::Hello(v1::Hello { capabilities: vec![FACTS_1.to_owned()], ..incapable.clone() });
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
    // Its certificate is cut off as well, so it does not even get as far as a call.
    let again = world.connect(Some(&web)).await.map(drop);
    assert!(matches!(again, Err(ConnectError::Refused { .. })), "{again:?}");
}

#[tokio::test]
async fn a_removed_registration_is_cut_off_everywhere() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let web = world.issue(&node, &registration).await.unwrap();
    let (_watcher, _) = Watcher::settled(&world, &node).await;
    world.remove(&registration).await;
    let truth = world.ca().known.truth();
    assert!(truth.cutoffs.iter().any(|cutoff| cutoff.reason.as_str() == "its registration was removed"));
    assert!(world.connect(Some(&web)).await.is_err());
}

#[tokio::test]
async fn what_is_written_to_the_store_by_another_way_is_told_all_the_same() {
    let (world, node, _) = with_workload().await;
    let (mut watcher, _) = Watcher::settled(&world, &node).await;
    let now = world.now();
    let quarantined = world.ca().store.write(Lane::Ordinary, move |tx| {
        tx.quarantine_node(&"n1".parse().unwrap(), now, &"to be looked at".parse().unwrap())
    });
    quarantined.await.unwrap();
    assert_refused(Err::<(), _>(watcher.ended().await), Code::PermissionDenied, "to be looked at");
}

#[tokio::test]
async fn a_cutoff_that_no_certificate_can_meet_any_more_leaves_the_snapshot() {
    let world = World::new().await;
    world.node("n1").await;
    let node = world.node("n2").await;
    world.revoke("n1").await;
    assert_eq!(facts_of_snapshot(&world, &node).await, 3);
    world.advance(NODE_LIFETIME + Duration::from_hours(2)).await;
    let node = world.renew(&node).await.unwrap();
    let left = async {
        while facts_of_snapshot(&world, &node).await != 2 {
            tokio::task::yield_now().await;
        }
    };
    soon(left).await;
}

async fn facts_of_snapshot(world: &World, node: &Identity) -> u64 {
    let mut watcher = Watcher::open(world.channel(node).await).await.unwrap();
    watcher.hello(None).await;
    watcher.until(|message| if let Message::SnapshotEnd(end) = message { Some(end.facts) } else { None }).await
}
