//! Who is believed, and what becomes of the truth when somebody is not.

use std::time::Duration;

use bulkhead_mesh::{Entry, Resolution};
use bulkhead_protocol::v1;
use bulkhead_protocol::v1::watch_reply::Message as Reply;
use bulkhead_protocol::v1::watch_request::Message as Request;
use tokio::time::Instant;
use tonic::Status;

use super::world::{Setting, World};
use crate::testing::ca::TestCa;
use crate::testing::certificates::{Mesh, Shown};
use crate::testing::policy;

#[tokio::test(start_paused = true)]
async fn before_the_first_snapshot_nothing_passes() {
    let mut world = Setting::new().start();
    let mut watcher = world.call().await;
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "no-policy");
    let position = world.begin(&policy("{}"));
    let welcome = watcher.welcome(&mut world.ca).await;
    watcher.reply(Reply::Welcome(welcome)).await;
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "no-policy", "a welcome is no snapshot");
    watcher.catch_up(&mut world.ca).await;
    watcher.acknowledgement(position).await;
    assert!(world.enter("n2").is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_feed_must_be_certified_for_the_feed() {
    let stranger = Mesh::new();
    let keys: [fn(&Mesh) -> Shown; 3] =
        [|mesh| mesh.control("ca"), |mesh| mesh.workload("db", "n2", "internal"), |mesh| mesh.node("n1")];
    for (number, shown) in keys.into_iter().enumerate() {
        let mut world = Setting::new().start();
        world.ca = TestCa::with_key(&shown(&world.mesh), 1, &world.clocks);
        is_not_believed(&mut world, &format!("key {number}")).await;
    }
    let mut world = Setting::new().start();
    world.ca = TestCa::with_key(&stranger.control("feed"), 1, &world.clocks);
    is_not_believed(&mut world, "a stranger's").await;
}

/// Everything is said, nothing is taken, and the proxy tries again.
async fn is_not_believed(world: &mut World, who: &str) {
    world.begin(&policy("{}"));
    let mut watcher = world.call().await;
    watcher.greet(&mut world.ca).await;
    assert!(watcher.request().await.is_none(), "{who}: the stream must be dropped");
    world.call().await;
    assert_eq!(world.truth.load().position, None, "{who}");
    assert!(world.truth.load().policy.is_none(), "{who}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_signature_ends_the_stream_and_changes_nothing() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let (seat, before) = (world.enter("n2").unwrap(), world.truth.load().position);
    let next = before.unwrap().next().unwrap();
    let incarnation = next.incarnation.number();
    watcher.reply(Reply::Fact(v1::Fact { incarnation, n: next.n, body: vec![1], signature: vec![2] })).await;
    assert!(watcher.request().await.is_none(), "the stream is dropped");
    let position = world.ca.log.head();
    world.greeted(position).await;
    assert_eq!((world.truth.load().position, seat.is_cut()), (before, None));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_wanted_does_not_ask_again_and_again() {
    let (mut world, watcher) = World::following(&Setting::new(), "{}").await;
    let seat = world.enter("n2").unwrap();
    watcher.end(Status::permission_denied("cut off")).await;
    let began = Instant::now();
    let again = world.call().await;
    let shown = world.unwelcome.borrow_and_update().clone().expect("the source of the identity is told");
    assert_eq!(Some(shown.identity.chain()), world.svid.borrow().as_ref().map(|svid| svid.identity.chain()));
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
    again.end(Status::unavailable("starting")).await;
    world.call().await;
    assert!(!world.unwelcome.has_changed().unwrap(), "a CA that is not there says nothing about a certificate");
    assert_eq!((seat.is_cut(), world.enter("n3").is_ok()), (None, true), "it goes on by what it has");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_bring_time_back() {
    let (world, mut watcher) = World::following(&Setting::new(), "{}").await;
    world.live_on(&mut watcher, Duration::from_secs(3)).await;
    let before = bulkhead_identity::Clock::now(world.clocks.as_ref());
    world.clocks.set_back(Duration::from_hours(24));
    world.live_on(&mut watcher, Duration::from_secs(3)).await;
    let after = bulkhead_identity::Clock::now(world.clocks.as_ref());
    assert!(after >= before.plus(Duration::from_secs(2)), "{before} {after}");
}

#[tokio::test(start_paused = true)]
async fn an_address_is_asked_for_once_by_however_many_and_then_kept_fresh() {
    let (world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let here = "10.77.0.9".parse().unwrap();
    let plain = Resolution::Entry(Entry::Plain);
    let answer = async {
        let Some(Request::Lookup(lookup)) = watcher.request().await else { panic!("no lookup") };
        assert_eq!((lookup.address, lookup.afresh), (vec![10, 77, 0, 9], false));
        watcher.reply(world.ca.address(here, 1, plain.clone())).await;
    };
    let many = futures_util::future::join_all((0..100).map(|_| world.directory.resolve(here)));
    let (answers, ()) = tokio::join!(many, answer);
    assert!(answers.into_iter().all(|answer| answer.as_ref() == Ok(&plain)));
    assert!(super::world::is_silent(&mut watcher).await, "one question for all");
    watcher.reply(world.ca.address(here, 2, Resolution::Unknown)).await;
    assert!(super::world::is_silent(&mut watcher).await);
    assert_eq!(world.directory.resolve(here).await, Ok(Resolution::Unknown), "the change came by itself");
}

#[tokio::test(start_paused = true)]
async fn an_address_in_use_is_kept_for_hours_and_one_that_is_not_is_let_go() {
    let (world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let (used, unused) = ("10.77.0.9".parse().unwrap(), "10.77.0.8".parse().unwrap());
    for address in [used, unused] {
        let answer = async {
            watcher.request().await.unwrap();
            watcher.reply(world.ca.address(address, 1, Resolution::Unknown)).await;
        };
        let (answer, ()) = tokio::join!(world.directory.resolve(address), answer);
        answer.unwrap();
    }
    for _ in 0..60 {
        world.live_on(&mut watcher, Duration::from_secs(20)).await;
        assert_eq!(world.directory.resolve(used).await, Ok(Resolution::Unknown));
    }
    let mut said = Vec::new();
    while let Ok(request) = watcher.requests.try_recv() {
        said.push(request.message.unwrap());
    }
    assert_eq!(said, [Request::Forget(v1::Forget { address: vec![10, 77, 0, 8] })]);
}
