//! The directory against a desk that the test keeps.

use std::net::IpAddr;
use std::time::Duration;

use bulkhead_mesh::{Entry, Resolution};
use bulkhead_protocol::feed::subscriber::Lookup;
use tokio::time::Instant;

use super::{Desk, Directory, DirectoryLimits, NotResolved};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 1));

fn directory(limits: DirectoryLimits) -> (Directory, Desk) {
    Directory::new(limits)
}

fn plain() -> Resolution {
    Resolution::Entry(Entry::Plain)
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_answered_without_a_question() {
    let (directory, mut desk) = directory(DirectoryLimits::default());
    desk.resolved(HERE, &plain());
    assert_eq!(directory.resolve(HERE).await, Ok(plain()));
    let mapped = "::ffff:10.77.0.1".parse().unwrap();
    assert_eq!(directory.resolve(mapped).await, Ok(plain()), "the same address in IPv6 clothes");
    drop(directory);
    assert!(desk.questions.recv().await.is_none(), "nothing was asked");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_nobody_answers_for_is_given_up_after_a_second() {
    let (directory, _desk) = directory(DirectoryLimits::default());
    let began = Instant::now();
    let waited = Duration::from_secs(1);
    assert_eq!(directory.resolve(HERE).await, Err(NotResolved::NoAnswer { address: HERE, waited }));
    assert_eq!(began.elapsed(), waited);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_answer_when_it_comes() {
    let (directory, mut desk) = directory(DirectoryLimits::default());
    let feed = async {
        for _ in 0..3 {
            let question = desk.next().await;
            assert_eq!((question.address, question.how), (HERE, Lookup::Cached));
            desk.answer(question, None);
        }
        desk.resolved(HERE, &plain());
        assert_eq!(desk.waiting.len(), 0);
    };
    let three = futures_util::future::join_all([(); 3].map(|()| directory.resolve(HERE)));
    let (answers, ()) = tokio::join!(three, feed);
    assert_eq!(answers, [Ok(plain()), Ok(plain()), Ok(plain())]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_asked_afresh_though_it_is_known() {
    let (directory, mut desk) = directory(DirectoryLimits::default());
    desk.resolved(HERE, &plain());
    let feed = async {
        let question = desk.next().await;
        assert_eq!(question.how, Lookup::Afresh);
        desk.answer(question, None);
        desk.resolved(HERE, &Resolution::Unknown);
    };
    let (answer, ()) = tokio::join!(directory.resolve_afresh(HERE), feed);
    assert_eq!((answer, directory.resolve(HERE).await), (Ok(Resolution::Unknown), Ok(Resolution::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_questions_is_refused_at_once() {
    let (directory, mut desk) = directory(DirectoryLimits { waiting: 1, ..DirectoryLimits::default() });
    let feed = async {
        for _ in 0..2 {
            let question = desk.next().await;
            desk.answer(question, None);
            tokio::task::yield_now().await;
        }
    };
    let began = Instant::now();
    let second = async {
        tokio::task::yield_now().await;
        directory.resolve(HERE).await
    };
    let (first, second, ()) = tokio::join!(directory.resolve(HERE), second, feed);
    assert_eq!(second, Err(NotResolved::Busy { address: HERE }));
    assert!(matches!(first, Err(NotResolved::NoAnswer { .. })));
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_directory_without_a_feed_says_so() {
    let (directory, desk) = directory(DirectoryLimits::default());
    drop(desk);
    assert_eq!(directory.resolve(HERE).await, Err(NotResolved::Stopped { address: HERE }));
}

#[tokio::test(start_paused = true)]
async fn what_is_at_hand_is_bounded_and_only_what_is_used_stays() {
    let (directory, mut desk) = directory(DirectoryLimits { known: 2, ..DirectoryLimits::default() });
    let address = |last: u8| IpAddr::from([10, 77, 0, last]);
    for last in 1..=3 {
        desk.resolved(address(last), &plain());
    }
    assert!(directory.known.get(address(3)).is_none());
    desk.review();
    assert_eq!(directory.resolve(address(2)).await, Ok(plain()));
    assert_eq!(desk.review(), [address(2)]);
    assert!(directory.known.get(address(1)).is_none(), "not used since the last review");
    desk.forget(address(2));
    assert!(directory.known.get(address(2)).is_none(), "the feed has let go of it");
}

#[tokio::test(start_paused = true)]
async fn who_waits_no_longer_is_forgotten() {
    let (directory, mut desk) = directory(DirectoryLimits::default());
    let feed = async {
        let question = desk.next().await;
        desk.answer(question, None);
    };
    let (answer, ()) = tokio::join!(directory.resolve(HERE), feed);
    assert!(answer.is_err());
    desk.review();
    assert_eq!(desk.waiting.len(), 0);
}
