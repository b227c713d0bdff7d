//! Each kind of work against the application, and what its sample says.

use super::super::testing::proxy::Authority;
use super::super::testing::{application, order};
use super::super::{LoadError, drive};
use crate::work::{Dialect, Direction, Pace, Work};
use crate::{Order, Sample};

async fn run(order: &Order) -> Sample {
    let (sample, held) = drive(order).await.unwrap();
    assert_eq!((sample.failures, sample.first_failure.as_deref()), (0, None));
    assert!(sample.seconds > 0.0 && sample.own > 0.0 && sample.watched.len() == 1, "{sample:?}");
    assert!(held.is_empty());
    sample
}

/// Runs it, and checks that each operation took so many bytes and was timed.
async fn check(work: Work, bytes_each: u64) {
    let sample = run(&order(work, application().await)).await;
    check_operations(&sample, bytes_each);
}

fn check_operations(sample: &Sample, bytes_each: u64) {
    let latency = sample.latency.expect("operations are timed");
    assert!(sample.operations > 0);
    assert_eq!((sample.bytes, latency.count), (sample.operations * bytes_each, sample.operations));
    assert!(0 < latency.p50 && latency.p50 <= latency.p90 && latency.p90 <= latency.p99, "{latency:?}");
    assert!(latency.p99 <= latency.p999 && latency.p999 <= latency.max, "{latency:?}");
}

#[tokio::test]
async fn bulk_is_counted_where_it_arrives() {
    for direction in [Direction::Up, Direction::Down] {
        for connections in [1, 4] {
            let sample = run(&order(Work::Bulk { direction, connections }, application().await)).await;
            assert_eq!((sample.operations, sample.latency), (0, None), "{direction:?} {connections}");
        }
    }
}

#[tokio::test]
async fn ping_pong_counts_round_trips() {
    check(Work::PingPong { connections: 1 }, 256).await;
    check(Work::PingPong { connections: 32 }, 256).await;
}

#[tokio::test]
async fn connections_come_and_go() {
    check(Work::Connect { parallel: 16 }, 256).await;
}

#[tokio::test]
async fn http_requests_are_answered_with_a_page() {
    check(Work::Http { connections: 4, pace: Pace::AsFastAsAnswered }, 1024).await;
    check(Work::Http { connections: 4, pace: Pace::PerSecond(200) }, 1024).await;
}

#[tokio::test]
async fn grpc_calls_are_answered_with_their_message() {
    check(Work::Grpc { connections: 2, pace: Pace::AsFastAsAnswered }, 256).await;
    check(Work::Grpc { connections: 2, pace: Pace::PerSecond(200) }, 256).await;
}

#[tokio::test]
async fn every_handshake_is_a_new_one_in_either_dialect() {
    let authority = Authority::new();
    for dialect in [Dialect::Stream, Dialect::Tunnel] {
        let application = application().await;
        let target = authority.proxy(dialect, application).await;
        let cold = Some(authority.cold(dialect, application));
        let sample = run(&Order { cold, ..order(Work::Handshake { parallel: 2 }, target) }).await;
        check_operations(&sample, 256);
    }
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let application = application().await;
    let target = Authority::new().proxy(Dialect::Stream, application).await;
    let stranger = Authority::new();
    let cold = Some(stranger.cold(Dialect::Stream, application));
    let refused = drive(&Order { cold, ..order(Work::Handshake { parallel: 1 }, target) }).await.unwrap_err();
    let LoadError::NothingWorked { first, .. } = refused else { panic!("{refused}") };
    assert!(first.starts_with("the TLS handshake failed: invalid peer certificate: "), "{first}");
}

#[tokio::test]
async fn idle_connections_are_held_until_they_are_dropped() {
    let (sample, held) = drive(&order(Work::Idle { connections: 200 }, application().await)).await.unwrap();
    check_operations(&sample, 256);
    assert_eq!((sample.operations, held.len(), held.ended()), (200, 200, 0));
}
