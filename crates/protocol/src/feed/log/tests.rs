//! Who is sent what, and whose acknowledgement counts.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_mesh::Policy;

use super::*;
use crate::feed::testing::{at, cutoff_fact, signer};
use crate::feed::{FACTS_1, Moment};
use crate::v1::{self, watch_reply::Message};

fn log(cutoffs: u64, recent: usize) -> Log {
    let mut log = Log::new(Incarnation::new(1), Settings { recent, ..Settings::new(vec![]) });
    (1..=cutoffs).for_each(|n| log.append(cutoff_fact(n, &format!("n{n}"), 1000 * n)).unwrap());
    log
}

fn hello(holds: Option<Position>) -> v1::Hello {
    v1::Hello { capabilities: vec![FACTS_1.into()], holds: holds.map(Into::into), version: String::new() }
}

/// The facts, by n, that a watcher is sent that holds this; and how its stream pauses.
fn sent(log: &mut Log, holds: Option<Position>) -> (Vec<u64>, Next) {
    let mut subscription = log.welcome(&hello(holds), signer()).unwrap().subscription;
    let mut facts = vec![];
    loop {
        match subscription.next(log) {
            Next::Send(Message::Fact(fact)) => facts.push(fact.n),
            Next::Send(_) => facts.push(0),
            pause => return (facts, pause),
        }
    }
}

fn enforced(position: Position) -> v1::Enforced {
    v1::Enforced { position: Some(position.into()), connections_closed: 3 }
}

#[test]
fn a_watcher_gets_what_it_has_missed_or_a_snapshot() {
    let elsewhere = Position { incarnation: Incarnation::new(0), n: 4 };
    for (holds, facts) in [
        (None, vec![1, 2, 3, 4, 5, 0]),
        (Some(at(5)), vec![]),
        (Some(at(4)), vec![5]),
        (Some(at(2)), vec![3, 4, 5]),
        (Some(at(1)), vec![1, 2, 3, 4, 5, 0]),
        (Some(at(0)), vec![1, 2, 3, 4, 5, 0]),
        (Some(elsewhere), vec![1, 2, 3, 4, 5, 0]),
        (Some(at(6)), vec![1, 2, 3, 4, 5, 0]),
        (Some(at(u64::MAX)), vec![1, 2, 3, 4, 5, 0]),
    ] {
        assert_eq!(sent(&mut log(5, 3), holds), (facts, Next::Idle), "{holds:?}");
    }
}

#[test]
fn a_watcher_that_knows_more_than_the_ca_is_reported() {
    let later = Position { incarnation: Incarnation::new(2), n: 1 };
    for (claimed, reported) in [(at(5), false), (at(6), true), (later, true)] {
        let regression = log(5, 3).welcome(&hello(Some(claimed)), signer()).unwrap().regression;
        assert_eq!(regression, reported.then_some(Regression { claimed, head: at(5) }));
    }
}

#[test]
fn a_watcher_without_the_capability_is_not_welcomed() {
    let stranger = v1::Hello { version: "9".into(), ..Default::default() };
    let refusal = log(1, 1).welcome(&stranger, signer()).unwrap_err();
    assert_eq!(refusal, WelcomeError::Incapable { version: "9".into() });
}

#[test]
fn a_snapshot_says_what_is_in_force_and_no_more() {
    let mut log = log(2, 9);
    for (n, statement) in [
        (3, Statement::Policy(Arc::new(Policy::default()))),
        (4, Statement::Issuers(Arc::new(BTreeSet::new()))),
        (5, Statement::Policy(Arc::new(Policy::default()))),
        (6, Statement::Issuers(Arc::new(BTreeSet::new()))),
    ] {
        log.append(signer().fact(at(n), &statement).unwrap()).unwrap();
    }
    assert_eq!(sent(&mut log, None).0, [1, 2, 5, 6, 0]);
    assert_eq!(log.expire(Timestamp::from_secs(1000)), 0, "a cutoff holds up to its bound");
    assert_eq!(log.expire(Timestamp::from_secs(1001)), 1);
    assert_eq!(sent(&mut log, None).0, [2, 5, 6, 0]);
    assert_eq!(sent(&mut log, Some(at(0))).0, [1, 2, 3, 4, 5, 6], "deltas are history and stay whole");
}

#[test]
fn a_slow_watcher_is_ended_instead_of_skipping_a_fact() {
    let mut log = log(3, 2);
    let mut subscription = log.welcome(&hello(Some(at(3))), signer()).unwrap().subscription;
    (4..=7).for_each(|n| log.append(cutoff_fact(n, "n1", 1)).unwrap());
    assert_eq!(subscription.next(&log), Next::End(Ended::Lagging { sent: at(3) }));
}

#[test]
fn another_history_ends_the_stream() {
    let mut old = log(1, 1);
    let mut subscription = old.welcome(&hello(None), signer()).unwrap().subscription;
    let new = Log::new(Incarnation::new(2), Settings::new(vec![]));
    assert_eq!(subscription.next(&new), Next::End(Ended::NewHistory));
}

#[test]
fn only_the_next_fact_can_be_appended() {
    let mut log = log(2, 9);
    for n in [0, 1, 2, 4] {
        assert!(matches!(log.append(cutoff_fact(n, "n9", 1)), Err(LogError::Order { .. })), "{n}");
    }
    assert_eq!(log.head(), at(2));
}

#[test]
fn a_log_is_loaded_from_what_the_store_still_has() {
    let facts = |numbers: &[u64]| numbers.iter().map(|n| cutoff_fact(*n, "n1", *n)).collect::<Vec<_>>();
    let load = |numbers: &[u64], head| Log::load(at(head), facts(numbers), Settings::new(vec![]));
    let mut log = load(&[1, 4, 5], 5).unwrap();
    assert_eq!(sent(&mut log, Some(at(3))).0, [4, 5]);
    assert_eq!(sent(&mut log, Some(at(2))).0, [1, 4, 5, 0], "what is missing in between can't be sent as deltas");
    let mut pruned = load(&[1, 4], 5).unwrap();
    assert_eq!(sent(&mut pruned, Some(at(3))).0, [1, 4, 0], "nor is the end of the history");
    pruned.append(cutoff_fact(6, "n1", 1)).unwrap();
    assert_eq!(sent(&mut pruned, Some(at(5))).0, [6]);
    assert!(matches!(load(&[1, 6], 5), Err(LogError::BeyondHead { .. })));
    assert!(matches!(load(&[2, 1], 5), Err(LogError::Order { .. })));
}

#[test]
fn an_acknowledgement_is_never_ahead_of_what_was_sent() {
    let mut log = log(3, 9);
    let mut subscription = log.welcome(&hello(Some(at(1))), signer()).unwrap().subscription;
    let ahead = Err(AcknowledgeError::Ahead { claimed: at(2), sent: at(1) });
    assert_eq!(subscription.acknowledge(enforced(at(2))), ahead);
    subscription.next(&log);
    let acknowledged = Acknowledged { position: at(2), connections_closed: 3 };
    assert_eq!(subscription.acknowledge(enforced(at(2))), Ok(acknowledged));
    let backwards = Err(AcknowledgeError::Backwards { claimed: at(1), acknowledged: at(2) });
    assert_eq!(subscription.acknowledge(enforced(at(1))), backwards);
    assert_eq!(subscription.acknowledge(v1::Enforced::default()), Err(AcknowledgeError::Missing));
    let elsewhere = Position { incarnation: Incarnation::new(9), n: 1 };
    assert!(matches!(subscription.acknowledge(enforced(elsewhere)), Err(AcknowledgeError::OtherHistory { .. })));
    assert_eq!(subscription.acknowledged(), Some(at(2)));
}

#[test]
fn half_a_snapshot_cannot_be_acknowledged() {
    let mut log = log(2, 9);
    let mut subscription = log.welcome(&hello(None), signer()).unwrap().subscription;
    for _ in 0..2 {
        subscription.next(&log);
        assert!(subscription.acknowledge(enforced(at(1))).is_err());
    }
    subscription.next(&log);
    assert!(subscription.acknowledge(enforced(at(2))).is_ok());
}

#[test]
fn heartbeats_follow_the_facts_and_keep_their_interval() {
    let mut log = log(1, 9);
    let mut subscription = log.welcome(&hello(None), signer()).unwrap().subscription;
    let moment = |millis| Moment { wall: Timestamp::from_secs(7), boot: Duration::from_millis(millis) };
    let beat = |subscription: &mut Subscription, millis| {
        subscription.heartbeat(&log, moment(millis), &[1; 32]).map(|heartbeat| heartbeat.head)
    };
    assert_eq!(beat(&mut subscription, 1000), None, "the snapshot goes first");
    while !matches!(subscription.next(&log), Next::Idle) {}
    let head = Some(Some(at(1).into()));
    assert_eq!(beat(&mut subscription, 1000), head);
    assert_eq!(subscription.wake_at(), Duration::from_millis(1500));
    assert_eq!((beat(&mut subscription, 1499), beat(&mut subscription, 1500)), (None, head));
}

#[test]
fn a_heartbeat_waits_for_the_facts_before_it() {
    let mut log = log(1, 9);
    let mut subscription = log.welcome(&hello(Some(at(1))), signer()).unwrap().subscription;
    let now = Moment { wall: Timestamp::from_secs(7), boot: Duration::ZERO };
    log.append(cutoff_fact(2, "n2", 9)).unwrap();
    assert_eq!(subscription.heartbeat(&log, now, &[1; 32]), None);
    subscription.next(&log);
    assert!(subscription.heartbeat(&log, now, &[1; 32]).is_some());
}
