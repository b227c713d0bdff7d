//! Servers that are gone, slow, silent or wrong.

use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::bulk;
use super::super::drive::drive_within;
use super::super::failure::Failure;
use super::super::meter::Meter;
use super::super::payload::{LINE, PAGE};
use super::super::testing::{application, nobody, order, server};
use super::super::{LoadError, drive};
use crate::Order;
use crate::work::{Direction, Pace, Work};

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);
const ALL: [Work; 8] = [
    Work::Bulk { direction: Direction::Up, connections: 2 },
    Work::Bulk { direction: Direction::Down, connections: 2 },
    Work::PingPong { connections: 2 },
    Work::Connect { parallel: 2 },
    Work::Http { connections: 2, pace: Pace::AsFastAsAnswered },
    Work::Http { connections: 2, pace: Pace::PerSecond(100) },
    Work::Grpc { connections: 2, pace: Pace::AsFastAsAnswered },
    Work::Idle { connections: 2 },
];

#[tokio::test]
async fn a_refused_connection_ends_the_run() {
    for work in ALL {
        let target = nobody().await;
        let error = drive(&order(work, target)).await.unwrap_err().to_string();
        let expected = "cannot connect: Connection refused (os error 111)";
        assert_eq!(error, format!("nothing has worked against {target}: {expected}"), "{work:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_ends_the_run() {
    for work in ALL {
        let target = server(|stream, _| async move { drop(stream) }).await;
        let error = drive(&order(work, target)).await.unwrap_err();
        assert!(matches!(error, LoadError::NothingWorked { .. }), "{work:?}: {error}");
    }
}

#[tokio::test]
async fn a_silent_server_ends_the_run_at_its_deadline() {
    for work in [Work::PingPong { connections: 1 }, Work::Http { connections: 1, pace: Pace::AsFastAsAnswered }] {
        let target = server(|stream, _| async move {
            let _kept = stream;
            pending::<()>().await;
        })
        .await;
        let error = drive_within(Duration::from_millis(300), &order(work, target)).await.unwrap_err().to_string();
        let expected = "was not over after 300ms; 0 operations had ended: no operation failed";
        assert_eq!(error, format!("the work against {target} {expected}"), "{work:?}");
    }
}

/// All connections but the first are ended after a few answers.
async fn hang_up_often(mut stream: TcpStream, number: u32) {
    let mut answers = if number == 0 { u32::MAX } else { 3 };
    let mut room = [0; 129];
    if stream.read_exact(&mut room).await.is_err() {
        return;
    }
    while answers > 0 && stream.write_all(&LINE).await.is_ok() && stream.read_exact(&mut room[1..]).await.is_ok() {
        answers -= 1;
    }
}

#[tokio::test]
async fn connections_that_break_are_failures_and_the_work_goes_on() {
    let target = server(hang_up_often).await;
    let (sample, _) = drive(&order(Work::PingPong { connections: 4 }, target)).await.unwrap();
    assert!(sample.operations > 0 && sample.failures > 0, "{sample:?}");
    assert!(sample.first_failure.is_some());
}

#[tokio::test]
async fn a_wrong_answer_is_a_failure() {
    let target = server(|mut stream, _| async move {
        let mut room = [0; 129];
        let _ = stream.read_exact(&mut room).await;
        let _ = stream.write_all(&[b'x'; 128]).await;
    })
    .await;
    let error = drive(&order(Work::Idle { connections: 1 }, target)).await.unwrap_err().to_string();
    assert!(error.ends_with("the answer is another than the one expected"), "{error}");
}

/// Answers each request of HTTP/1.1 with this status, after a while.
async fn slowly(mut stream: TcpStream, status: &str, pause: Duration) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", PAGE.len());
    let mut room = [0; 4096];
    while stream.read(&mut room).await.is_ok_and(|more| more > 0) {
        sleep(pause).await;
        if stream.write_all(&[head.as_bytes(), &PAGE].concat()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn requests_that_pile_up_are_failures() {
    let target = server(|stream, _| slowly(stream, "200 OK", Duration::from_millis(20))).await;
    let work = Work::Http { connections: 1, pace: Pace::PerSecond(1000) };
    let (sample, _) = drive(&order(work, target)).await.unwrap();
    let words = format!("{} requests had not been answered when the time was over", sample.failures);
    assert_eq!(sample.first_failure, Some(words));
    // Each answer takes 20 ms, and with each of them the queue grows by as much: latency is the time in the queue.
    let latency = sample.latency.expect("some were answered");
    assert!(latency.max > 2 * 20_000_000, "{latency:?}");
}

#[tokio::test]
async fn another_status_is_a_failure() {
    let target = server(|stream, _| slowly(stream, "503 Service Unavailable", Duration::ZERO)).await;
    let work = Work::Http { connections: 1, pace: Pace::AsFastAsAnswered };
    let error = drive(&order(work, target)).await.unwrap_err().to_string();
    assert!(error.ends_with("answered with HTTP status 503 Service Unavailable"), "{error}");
}

#[tokio::test]
async fn bytes_that_do_not_arrive_are_a_failure() {
    let target = server(|mut stream, _| async move {
        let mut room = Vec::new();
        let _ = stream.read_to_end(&mut room).await;
        let _ = stream.write_u64(5).await;
    })
    .await;
    let meter = Meter::new();
    meter.end();
    let lost = bulk::up(target, 1, &meter).await.unwrap_err();
    assert!(matches!(lost, Failure::Lost { sent: 0, taken: 5 }), "{lost}");
}

#[tokio::test]
async fn idle_connections_that_the_server_ends_are_noticed() {
    let target = server(|mut stream, number| async move {
        let mut room = [0; 129];
        let _ = stream.read_exact(&mut room).await;
        let _ = stream.write_all(&LINE).await;
        if number < 5 {
            pending::<()>().await;
        }
    })
    .await;
    let (_, held) = drive(&order(Work::Idle { connections: 8 }, target)).await.unwrap();
    let ended = async {
        while held.ended() < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, ended).await.unwrap_or_else(|_| panic!("{} were seen to end", held.ended()));
    assert_eq!((held.len(), held.ended()), (8, 3));
}

#[tokio::test]
async fn an_order_that_contradicts_itself_is_refused() {
    let target = application().await;
    let measured = Duration::ZERO;
    for (order, words) in [
        (order(Work::PingPong { connections: 0 }, target), "no connections are no work"),
        (order(Work::Handshake { parallel: 1 }, target), "a handshake needs `cold`"),
        (order(Work::Http { connections: 1, pace: Pace::PerSecond(0) }, target), "no requests a second are no work"),
        (Order { measured, ..order(Work::Connect { parallel: 1 }, target) }, "no time to measure in"),
    ] {
        let refused = drive(&order).await.unwrap_err().to_string();
        assert_eq!(refused, format!("the order cannot be followed: {words}"));
    }
}

#[tokio::test]
async fn a_watched_process_that_is_gone_ends_the_run() {
    let watch = vec![u32::MAX];
    let order = Order { watch, ..order(Work::PingPong { connections: 1 }, application().await) };
    assert!(matches!(drive(&order).await, Err(LoadError::Clock(_))));
}
