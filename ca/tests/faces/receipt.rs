//! The receipt of a revocation: who claims to enforce it, and until when the silent are exposed.

use std::time::Duration;

use bulkhead_mesh::Timestamp;
use bulkhead_protocol::v1::{self, Receipt};
use tonic::{Code, Streaming};

use crate::people::Identity;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{World, soon};

/// `n1` with a workload, to be revoked, and two workloads elsewhere, one of them of the highest level.
struct Mesh {
    world: World,
    victim: Identity,
    web: Identity,
    ledger: Identity,
}

impl Mesh {
    async fn new() -> Self {
        let world = World::new().await;
        let (victim, other) = (world.node("n1").await, world.node("n2").await);
        world.workload(&victim, "ns/shop/sa/web", [10, 77, 0, 1]).await;
        let web = world.workload(&other, "ns/shop/sa/web", [10, 77, 0, 2]).await;
        let ledger = world.register_as("n2", "ns/pay/sa/ledger", "restricted", [10, 77, 0, 3]).await.unwrap();
        let ledger = world.issue(&other, &ledger).await.unwrap();
        Self { world, victim, web, ledger }
    }

    async fn receipt(&self, revoked: &v1::Revocation, wait: Duration) -> Streaming<Receipt> {
        let wait_millis = u32::try_from(wait.as_millis()).unwrap();
        let request = v1::WatchReceiptRequest { position: revoked.position, wait_millis };
        self.world.owner().await.watch_receipt(request).await.unwrap().into_inner()
    }
}

async fn next(receipts: &mut Streaming<Receipt>) -> Receipt {
    soon(receipts.message()).await.unwrap().expect("the receipt goes on")
}

async fn last(receipts: &mut Streaming<Receipt>) -> Receipt {
    let mut last = next(receipts).await;
    while let Some(receipt) = soon(receipts.message()).await.unwrap() {
        last = receipt;
    }
    last
}

#[tokio::test]
async fn a_receipt_is_complete_when_everybody_who_lives_elsewhere_has_acknowledged() {
    let mesh = Mesh::new().await;
    let (web, _) = Watcher::settled(&mesh.world, &mesh.web).await;
    let (mut ledger, _) = Watcher::settled(&mesh.world, &mesh.ledger).await;
    let mut web = web;
    let revoked = mesh.world.revoke("n1").await;
    let position = revoked.position.unwrap().into();
    let mut receipts = mesh.receipt(&revoked, Duration::from_hours(1)).await;
    let none = next(&mut receipts).await;
    assert_eq!((none.expected, none.enforced, none.silent.len(), none.complete), (2, 0, 2, false));
    mesh.world.clock.advance(Duration::from_millis(120));
    web.fact().await;
    web.enforce(position, 3).await;
    let one = next(&mut receipts).await;
    assert_eq!((one.enforced, one.connections_closed, one.elapsed_millis, one.complete), (1, 3, 120, false));
    assert_eq!(one.silent[0].id, "ns/pay/sa/ledger");
    ledger.fact().await;
    ledger.enforce(position, 4).await;
    let all = last(&mut receipts).await;
    assert_eq!((all.expected, all.enforced, all.connections_closed, all.complete), (2, 2, 7, true));
}

#[tokio::test]
async fn a_receipt_ends_with_its_wait_and_says_until_when_the_silent_are_exposed() {
    let mesh = Mesh::new().await;
    let (_web, _) = Watcher::settled(&mesh.world, &mesh.web).await;
    let revoked = mesh.world.revoke("n1").await;
    let receipt = last(&mut mesh.receipt(&revoked, Duration::from_millis(30)).await).await;
    assert_eq!((receipt.expected, receipt.enforced, receipt.complete), (2, 0, true));
    let ends = mesh.victim.leaf().not_after;
    let strict = Timestamp::from_millis(revoked.committed_millis).plus(Duration::from_mins(1));
    let exposed = receipt.silent.iter().map(|silent| (silent.id.as_str(), silent.exposed_until_millis));
    let expected = [("ns/pay/sa/ledger", strict.as_millis()), ("ns/shop/sa/web", ends.as_millis())];
    assert_eq!(exposed.collect::<Vec<_>>(), expected, "strict and silent for good, and best-effort");
}

#[tokio::test]
async fn a_strict_proxy_that_is_connected_but_silent_is_not_bounded_by_its_staleness() {
    let mesh = Mesh::new().await;
    let (_ledger, _) = Watcher::settled(&mesh.world, &mesh.ledger).await;
    let revoked = mesh.world.revoke("n1").await;
    let receipt = last(&mut mesh.receipt(&revoked, Duration::ZERO).await).await;
    assert_eq!(receipt.silent[0].id, "ns/pay/sa/ledger");
    assert_eq!(receipt.silent[0].exposed_until_millis, mesh.victim.leaf().not_after.as_millis());
}

#[tokio::test]
async fn who_acknowledged_and_went_away_still_counts_and_who_is_removed_is_not_waited_for() {
    let mesh = Mesh::new().await;
    let (mut web, _) = Watcher::settled(&mesh.world, &mesh.web).await;
    let revoked = mesh.world.revoke("n1").await;
    let mut receipts = mesh.receipt(&revoked, Duration::from_hours(1)).await;
    assert_eq!(next(&mut receipts).await.enforced, 0);
    web.fact().await;
    web.enforce(revoked.position.unwrap().into(), 0).await;
    assert_eq!(next(&mut receipts).await.enforced, 1);
    drop(web);
    let id = mesh.ledger.instance().as_bytes().to_vec();
    let request = v1::RemoveWorkloadRequest { registration: id };
    mesh.world.owner().await.remove_workload(request).await.unwrap();
    let all = last(&mut receipts).await;
    assert_eq!((all.expected, all.enforced, all.complete), (1, 1, true));
}

#[tokio::test]
async fn there_is_no_receipt_for_what_was_no_revocation() {
    let mesh = Mesh::new().await;
    let head = mesh.world.ca().fanout.head();
    for position in [head.into(), v1::Position { incarnation: 7, n: 1 }] {
        let request = v1::WatchReceiptRequest { position: Some(position), wait_millis: 0 };
        let refused = mesh.world.owner().await.watch_receipt(request).await.map(drop);
        assert_refused(refused, Code::NotFound, "there is no");
    }
}
