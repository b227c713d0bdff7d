//! What a subscriber believes, in which order, and what it does with everything else.

use bulkhead_mesh::{Entry, Policy, SpkiDigest};

use super::*;
use crate::feed::log::Settings;
use crate::feed::testing::{at, cutoff, cutoff_fact, signed, signer};
use crate::feed::{AddressAnswer, Incarnation, Log, Position, SignedFact, Statement};
use crate::v1::watch_reply::Message as Reply;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 1));

fn moment(seconds: u64) -> Moment {
    Moment { wall: Timestamp::from_secs(seconds), boot: Duration::from_secs(seconds) }
}

fn reply(message: Reply) -> v1::WatchReply {
    v1::WatchReply { message: Some(message) }
}

fn fact(fact: &SignedFact) -> v1::WatchReply {
    reply(Reply::Fact(fact.to_wire()))
}

fn heartbeat(head: Position, seconds: u64) -> v1::WatchReply {
    reply(Reply::Heartbeat(v1::Heartbeat { now_millis: seconds * 1000, head: Some(head.into()), audit_head: vec![] }))
}

fn greeting(head: Position, snapshot: bool) -> v1::Welcome {
    v1::Welcome {
        capabilities: vec![FACTS_1.into()],
        feed_chain: vec![vec![1]],
        heartbeat_millis: 500,
        head: Some(head.into()),
        snapshot,
    }
}

fn address(incarnation: u64, version: u64, resolution: Resolution) -> v1::WatchReply {
    let answer = AddressAnswer { incarnation: Incarnation::new(incarnation), address: HERE, version, resolution };
    reply(Reply::Address(signer().address(&answer).unwrap()))
}

fn plain() -> Resolution {
    Resolution::Entry(Entry::Plain)
}

/// A log with cutoffs of n1, n2 ... up to `facts`, the first of them expiring at 1000 s, the second at 2000 s ...
fn log(facts: u64) -> Log {
    let mut log = Log::new(Incarnation::new(1), Settings::new(vec![vec![1]]));
    (1..=facts).for_each(|n| log.append(cutoff_fact(n, &format!("n{n}"), 1000 * n)).unwrap());
    log
}

fn subscriber(held: Held) -> Subscriber {
    Subscriber::new(held, "test".into(), Limits::default(), moment(0))
}

/// What the log sends to a watcher that says this hello.
fn conversation(log: &mut Log, subscriber: &mut Subscriber) -> Vec<v1::WatchReply> {
    subscriber.connected(moment(1));
    let Some(Action::Send(v1::WatchRequest { message: Some(Message::Hello(hello)) })) = subscriber.poll() else {
        panic!("a stream begins with a hello")
    };
    let mut welcomed = log.welcome(&hello, signer()).unwrap();
    subscriber.welcome(welcomed.welcome, signer().verifier().unwrap(), moment(1));
    let mut replies = vec![];
    while let super::super::log::Next::Send(message) = welcomed.subscription.next(log) {
        replies.push(reply(message));
    }
    replies
}

/// A subscriber that holds the whole log, its actions taken.
fn following(log: &mut Log) -> Subscriber {
    let mut subscriber = subscriber(Held::default());
    for message in conversation(log, &mut subscriber) {
        subscriber.receive(message, moment(1));
    }
    drain(&mut subscriber);
    assert_eq!(subscriber.held().position(), Some(log.head()));
    subscriber
}

fn drain(subscriber: &mut Subscriber) -> Vec<Action> {
    std::iter::from_fn(|| subscriber.poll()).collect()
}

fn sent(subscriber: &mut Subscriber) -> Vec<Message> {
    let message = |action| match action {
        Action::Send(request) => request.message,
        _ => None,
    };
    drain(subscriber).into_iter().filter_map(message).collect()
}

/// Why the stream was ended; and that nothing was applied.
fn lost(subscriber: &mut Subscriber) -> Lost {
    match &mut drain(subscriber)[..] {
        [Action::Reconnect { reason, .. }] => std::mem::replace(reason, Lost::Disconnected),
        other => panic!("no reconnection: {other:?}"),
    }
}

#[test]
fn a_snapshot_is_applied_at_once_and_deltas_one_by_one() {
    let mut log = log(2);
    log.append(signer().fact(at(3), &Statement::Policy(Policy::default().into())).unwrap()).unwrap();
    let mut subscriber = subscriber(Held::default());
    for message in conversation(&mut log, &mut subscriber) {
        assert_eq!(drain(&mut subscriber).len(), 0);
        subscriber.receive(message, moment(1));
    }
    let whole = drain(&mut subscriber);
    assert!(matches!(whole[..], [Action::Apply { change: Change::Whole, .. }, Action::Persist]), "{whole:?}");
    subscriber.receive(fact(&cutoff_fact(4, "n4", 9)), moment(1));
    let delta = drain(&mut subscriber);
    assert!(matches!(delta[..], [Action::Apply { change: Change::Cutoff(_), .. }, Action::Persist]), "{delta:?}");
    assert_eq!((subscriber.held().cutoffs().len(), subscriber.held().position()), (3, Some(at(4))));
}

#[test]
fn a_watcher_that_returns_gets_only_what_it_has_missed() {
    let mut log = log(2);
    let mut subscriber = following(&mut log);
    subscriber.disconnected();
    drain(&mut subscriber);
    log.append(cutoff_fact(3, "n3", 9)).unwrap();
    assert_eq!(conversation(&mut log, &mut subscriber), [fact(&cutoff_fact_of(&log, 3))]);
}

fn cutoff_fact_of(log: &Log, n: u64) -> SignedFact {
    log.in_force().find(|fact| fact.position() == at(n)).unwrap().clone()
}

#[test]
fn what_does_not_fit_is_not_applied_and_ends_the_stream() {
    let check = |message: v1::WatchReply, expected: fn(&Lost) -> bool| {
        let mut subscriber = following(&mut log(2));
        let before = subscriber.held().clone();
        subscriber.receive(message, moment(1));
        assert_eq!(*subscriber.held(), before);
        let reason = lost(&mut subscriber);
        assert!(expected(&reason), "{reason:?}");
        subscriber.receive(fact(&cutoff_fact(3, "n3", 1)), moment(1));
        assert_eq!(drain(&mut subscriber).len(), 0, "a stream that was given up is not listened to");
    };
    check(fact(&cutoff_fact(4, "n4", 1)), |lost| matches!(lost, Lost::Gap { .. }));
    check(fact(&cutoff_fact(2, "n2", 1)), |lost| matches!(lost, Lost::Replayed { .. }));
    check(fact(&signed(&[0x78, 1])), |lost| matches!(lost, Lost::Replayed { .. }));
    check(fact(&signer().fact_of_bytes(at(3), &[0x78, 1]).unwrap()), |lost| matches!(lost, Lost::Unfamiliar { .. }));
    let elsewhere = Position { incarnation: Incarnation::new(2), n: 3 };
    let foreign = signer().fact(elsewhere, &Statement::Cutoff(cutoff("n3", 1))).unwrap();
    check(fact(&foreign), |lost| matches!(lost, Lost::Gap { .. }));
    let forged = v1::Fact { n: 4, ..cutoff_fact(3, "n3", 1).to_wire() };
    check(reply(Reply::Fact(forged)), |lost| matches!(lost, Lost::BadSignature(_)));
    check(heartbeat(at(3), 1), |lost| matches!(lost, Lost::Gap { .. }));
    check(heartbeat(at(1), 1), |lost| matches!(lost, Lost::Rollback { .. }));
    check(reply(Reply::SnapshotEnd(v1::SnapshotEnd::default())), |lost| matches!(lost, Lost::Violation(_)));
    check(reply(Reply::Welcome(greeting(at(2), true))), |lost| matches!(lost, Lost::Violation(_)));
    check(v1::WatchReply { message: None }, |lost| matches!(lost, Lost::Violation(_)));
    check(address(2, 1, plain()), |lost| matches!(lost, Lost::AddressOfOtherHistory { .. }));
    check(reply(Reply::Address(v1::SignedAddress::default())), |lost| matches!(lost, Lost::BadSignature(_)));
}

#[test]
fn nothing_before_the_welcome_is_believed() {
    let mut subscriber = subscriber(Held::default());
    subscriber.connected(moment(1));
    drain(&mut subscriber);
    subscriber.receive(fact(&cutoff_fact(1, "n1", 1)), moment(1));
    assert!(matches!(lost(&mut subscriber), Lost::Violation(Violation::BeforeWelcome)));
}

#[test]
fn a_welcome_that_leads_nowhere_is_refused() {
    let later = Position { incarnation: Incarnation::new(2), n: 0 };
    let earlier = Position { incarnation: Incarnation::new(0), n: 9 };
    let check = |welcome: v1::Welcome, expected: Option<fn(&Lost) -> bool>| {
        let mut subscriber = following(&mut log(2));
        subscriber.connected(moment(2));
        drain(&mut subscriber);
        subscriber.welcome(welcome, signer().verifier().unwrap(), moment(2));
        match expected {
            Some(expected) => assert!(expected(&lost(&mut subscriber))),
            None => assert_eq!(drain(&mut subscriber).len(), 0),
        }
    };
    check(greeting(at(2), false), None);
    check(greeting(at(9), true), None);
    check(greeting(later, true), None);
    check(greeting(later, false), Some(|lost| matches!(lost, Lost::Violation(Violation::DeltasFromNowhere { .. }))));
    check(greeting(at(1), false), Some(|lost| matches!(lost, Lost::Rollback { .. })));
    check(greeting(at(1), true), Some(|lost| matches!(lost, Lost::Rollback { .. })));
    check(greeting(earlier, true), Some(|lost| matches!(lost, Lost::Rollback { .. })));
    let incapable = v1::Welcome { capabilities: vec!["facts-2".into()], ..greeting(at(2), false) };
    check(incapable, Some(|lost| matches!(lost, Lost::Incapable { .. })));
    let hasty = v1::Welcome { heartbeat_millis: 1, ..greeting(at(2), false) };
    check(hasty, Some(|lost| matches!(lost, Lost::Violation(Violation::HeartbeatInterval { .. }))));
    let nowhere = v1::Welcome { head: None, ..greeting(at(2), false) };
    check(nowhere, Some(|lost| matches!(lost, Lost::Violation(Violation::Position(_)))));
}

fn end(messages: &mut [v1::WatchReply], change: impl Fn(&mut v1::SnapshotEnd)) {
    match messages.last_mut() {
        Some(v1::WatchReply { message: Some(Reply::SnapshotEnd(end)) }) => change(end),
        other => panic!("no end: {other:?}"),
    }
}

#[test]
fn a_snapshot_with_a_fact_left_out_or_changed_is_not_applied() {
    let check = |spoil: fn(&mut Vec<v1::WatchReply>), expected: fn(&Lost) -> bool| {
        let (mut log, mut subscriber) = (log(3), subscriber(Held::default()));
        let mut messages = conversation(&mut log, &mut subscriber);
        spoil(&mut messages);
        for message in messages {
            subscriber.receive(message, moment(1));
        }
        assert_eq!(subscriber.held().position(), None);
        let reason = lost(&mut subscriber);
        assert!(expected(&reason), "{reason:?}");
    };
    check(|messages| drop(messages.remove(1)), |lost| matches!(lost, Lost::Incomplete { received: 2, said: 3 }));
    check(|messages| messages.swap(0, 1), |lost| matches!(lost, Lost::Replayed { .. }));
    check(|messages| messages.insert(1, messages[0].clone()), |lost| matches!(lost, Lost::Replayed { .. }));
    check(|messages| messages.insert(3, fact(&cutoff_fact(4, "n4", 1))), |lost| matches!(lost, Lost::Gap { .. }));
    let other_fact = |messages: &mut Vec<_>| messages[1] = fact(&cutoff_fact(2, "n9", 1));
    check(other_fact, |lost| matches!(lost, Lost::Incomplete { received: 3, said: 3 }));
    check(|messages| end(messages, |end| end.signature[8] ^= 1), |lost| matches!(lost, Lost::BadSignature(_)));
    check(
        |messages| {
            messages.remove(1);
            end(messages, |end| end.facts = 2);
        },
        |lost| matches!(lost, Lost::Incomplete { .. }),
    );
    let elsewhere = |messages: &mut Vec<_>| end(messages, |end| end.position = Some(at(2).into()));
    check(elsewhere, |lost| matches!(lost, Lost::Violation(Violation::OtherSnapshot { .. })));
}

#[test]
fn a_heartbeat_cannot_keep_half_a_snapshot_alive() {
    let mut subscriber = subscriber(Held::default());
    let messages = conversation(&mut log(2), &mut subscriber);
    subscriber.receive(messages[0].clone(), moment(1));
    subscriber.receive(heartbeat(at(2), 1), moment(1));
    assert!(matches!(lost(&mut subscriber), Lost::Violation(Violation::HeartbeatInSnapshot)));
}

#[test]
fn a_snapshot_never_takes_away_a_cutoff() {
    let mut subscriber = following(&mut log(3));
    subscriber.disconnected();
    drain(&mut subscriber);
    let mut restored = Log::new(Incarnation::new(2), Settings::new(vec![vec![2]]));
    let begin = Position { incarnation: Incarnation::new(2), n: 1 };
    let issuers = Statement::Issuers(
        [SpkiDigest::from_bytes([1; 32])].into_iter().collect::<std::collections::BTreeSet<_>>().into(),
    );
    restored.append(signer().fact(begin, &issuers).unwrap()).unwrap();
    for message in conversation(&mut restored, &mut subscriber) {
        subscriber.receive(message, moment(1));
    }
    let held = subscriber.held();
    assert_eq!(
        (held.position(), held.cutoffs().len(), held.issuers().map(|issuers| issuers.len())),
        (Some(begin), 3, Some(1))
    );
}

#[test]
fn a_cutoff_ends_by_the_cas_time_and_not_by_the_machines() {
    let mut subscriber = following(&mut log(2));
    subscriber.receive(heartbeat(at(2), 1000), moment(1_000_000));
    assert_eq!((drain(&mut subscriber).len(), subscriber.held().cutoffs().len()), (1, 2));
    subscriber.receive(heartbeat(at(2), 1001), moment(1_000_001));
    let actions = drain(&mut subscriber);
    assert!(matches!(actions[..], [Action::Apply { change: Change::Expired, .. }, Action::Persist]), "{actions:?}");
    assert_eq!(subscriber.held().cutoffs().len(), 1);
}

#[test]
fn what_is_enforced_is_acknowledged_and_nothing_else() {
    let mut subscriber = following(&mut log(2));
    assert_eq!(subscriber.enforced(at(3), 0), Err(NotHeld { enforced: at(3) }));
    assert_eq!(drain(&mut subscriber).len(), 0, "nothing is acknowledged before the driver says so");
    let told =
        |n, connections_closed| Message::Enforced(v1::Enforced { position: Some(at(n).into()), connections_closed });
    subscriber.enforced(at(1), 4).unwrap();
    assert_eq!(sent(&mut subscriber), [told(1, 4)]);
    subscriber.enforced(at(1), 5).unwrap();
    assert_eq!(drain(&mut subscriber).len(), 0);
    subscriber.enforced(at(2), 1).unwrap();
    assert_eq!(sent(&mut subscriber), [told(2, 6)]);
}

#[test]
fn what_was_enforced_without_a_stream_is_acknowledged_on_the_next() {
    let mut log = log(2);
    let mut subscriber = following(&mut log);
    subscriber.disconnected();
    drain(&mut subscriber);
    subscriber.enforced(at(2), 7).unwrap();
    assert_eq!(drain(&mut subscriber).len(), 0);
    conversation(&mut log, &mut subscriber);
    let told = Message::Enforced(v1::Enforced { position: Some(at(2).into()), connections_closed: 7 });
    assert_eq!(sent(&mut subscriber), [told]);
}

#[test]
fn a_silent_ca_is_given_up_and_its_truth_grows_stale() {
    let mut subscriber = following(&mut log(1));
    subscriber.receive(heartbeat(at(1), 5), moment(10));
    assert_eq!(subscriber.staleness(moment(11)), Duration::from_secs(1));
    assert_eq!(subscriber.stale_at(Duration::from_mins(1)), Duration::from_secs(70));
    assert_eq!(subscriber.wake_at(), Some(Duration::from_secs(12)));
    drain(&mut subscriber);
    subscriber.tick(moment(11));
    assert_eq!(drain(&mut subscriber).len(), 0);
    subscriber.tick(moment(12));
    assert!(matches!(lost(&mut subscriber), Lost::HeartbeatMissed { .. }));
    assert_eq!((subscriber.wake_at(), subscriber.staleness(moment(70))), (None, Duration::from_mins(1)));
    subscriber.connected(moment(80));
    drain(&mut subscriber);
    subscriber.tick(moment(85));
    assert!(matches!(lost(&mut subscriber), Lost::NoWelcome { .. }));
}

#[test]
fn no_time_before_the_last_one_heard_is_believed() {
    let mut subscriber = following(&mut log(1));
    subscriber.receive(heartbeat(at(1), 5000), moment(10));
    let set_back = Moment { wall: Timestamp::from_secs(7), boot: Duration::from_secs(12) };
    assert_eq!(subscriber.now(set_back), Timestamp::from_secs(5002));
    subscriber.receive(heartbeat(at(1), 4000), moment(13));
    assert_eq!(subscriber.held().not_before(), Timestamp::from_secs(5000));
}

#[test]
fn an_address_is_asked_for_once_and_then_known() {
    let mut subscriber = following(&mut log(1));
    let ask = |afresh| Message::Lookup(v1::Lookup { address: vec![10, 77, 0, 1], afresh });
    assert_eq!(subscriber.lookup(HERE, Lookup::Cached, moment(2)), None);
    assert_eq!(subscriber.lookup(HERE, Lookup::Cached, moment(2)), None);
    assert_eq!(sent(&mut subscriber), [ask(false)]);
    subscriber.receive(address(1, 3, plain()), moment(2));
    assert!(matches!(drain(&mut subscriber)[..], [Action::Resolved(HERE, _)]));
    assert_eq!(subscriber.lookup(HERE, Lookup::Cached, moment(2)), Some(&plain()));
    assert_eq!(subscriber.lookup(HERE, Lookup::Afresh, moment(2)), None);
    assert_eq!(subscriber.lookup(HERE, Lookup::Afresh, moment(2)), None);
    assert_eq!(sent(&mut subscriber), [ask(true)]);
    subscriber.receive(address(1, 3, plain()), moment(2));
    assert!(matches!(drain(&mut subscriber)[..], [Action::Resolved(HERE, _)]), "no change is an answer too");
    assert_eq!(subscriber.lookup(HERE, Lookup::Afresh, moment(2)), None);
    assert_eq!(sent(&mut subscriber), [ask(true)]);
}

#[test]
fn what_was_to_be_sent_on_a_lost_stream_is_not_sent_on_the_next() {
    let mut subscriber = following(&mut log(1));
    subscriber.lookup(HERE, Lookup::Cached, moment(2));
    subscriber.enforced(at(1), 0).unwrap();
    subscriber.disconnected();
    assert!(matches!(lost(&mut subscriber), Lost::Disconnected));
}

#[test]
fn an_address_never_goes_back_within_a_history() {
    let mut subscriber = following(&mut log(1));
    subscriber.lookup(HERE, Lookup::Cached, moment(2));
    for (version, resolution, ignored) in [
        (5, plain(), 0),
        (4, Resolution::Unknown, 1),
        (5, Resolution::Unknown, 2),
        (6, Resolution::Unknown, 2),
        (5, plain(), 3),
    ] {
        subscriber.receive(address(1, version, resolution), moment(2));
        assert_eq!(subscriber.addresses_ignored(), ignored);
    }
    assert_eq!(subscriber.lookup(HERE, Lookup::Cached, moment(2)), Some(&Resolution::Unknown));
}

#[test]
fn an_answer_that_nobody_asked_for_is_ignored() {
    let mut subscriber = following(&mut log(1));
    subscriber.receive(address(1, 3, plain()), moment(2));
    assert_eq!((drain(&mut subscriber).len(), subscriber.addresses_ignored()), (0, 1));
}

#[test]
fn addresses_are_asked_for_again_on_the_next_stream() {
    let mut log = log(1);
    let mut subscriber = following(&mut log);
    subscriber.lookup(HERE, Lookup::Cached, moment(2));
    subscriber.receive(address(1, 3, plain()), moment(2));
    subscriber.disconnected();
    drain(&mut subscriber);
    assert_eq!(subscriber.lookup(HERE, Lookup::Cached, moment(3)), Some(&plain()), "what is held still counts");
    assert_eq!(drain(&mut subscriber).len(), 0);
    conversation(&mut log, &mut subscriber);
    assert_eq!(sent(&mut subscriber), [Message::Lookup(v1::Lookup { address: vec![10, 77, 0, 1], afresh: false })]);
}

#[test]
fn the_address_unused_for_longest_makes_room() {
    let limits = Limits { addresses: 2, ..Limits::default() };
    let mut subscriber = Subscriber { limits, ..following(&mut log(1)) };
    let address = |last| IpAddr::from([10, 77, 0, last]);
    for (last, second) in [(1, 2), (2, 3), (1, 4), (3, 5)] {
        subscriber.lookup(address(last), Lookup::Cached, moment(second));
    }
    let forgotten = Message::Forget(v1::Forget { address: vec![10, 77, 0, 2] });
    assert!(sent(&mut subscriber).contains(&forgotten));
    assert_eq!(subscriber.addresses_in_use(), 2);
    subscriber.receive(heartbeat(at(1), 1), moment(604));
    subscriber.tick(moment(604));
    assert_eq!(subscriber.addresses_in_use(), 1, "ten minutes unused");
}

#[test]
fn too_many_cutoffs_are_refused_and_none_is_dropped() {
    let limits = Limits { cutoffs: 2, ..Limits::default() };
    let mut subscriber = Subscriber { limits, ..following(&mut log(2)) };
    subscriber.receive(fact(&cutoff_fact(3, "n3", 1)), moment(1));
    assert!(matches!(lost(&mut subscriber), Lost::TooManyCutoffs { most: 2 }));
    assert_eq!((subscriber.held().position(), subscriber.held().cutoffs().len()), (Some(at(2)), 2));
}

#[test]
fn failures_in_a_row_lengthen_the_pause_and_a_heartbeat_ends_the_row() {
    let mut log = log(1);
    let mut subscriber = following(&mut log);
    let pause = |subscriber: &mut Subscriber| {
        subscriber.disconnected();
        match drain(subscriber)[..] {
            [Action::Reconnect { backoff, .. }] => {
                backoff.delay(crate::jitter::Jitter::from_random(1 << 31)).as_millis()
            }
            _ => panic!("no reconnection"),
        }
    };
    assert_eq!([pause(&mut subscriber), pause(&mut subscriber), pause(&mut subscriber)], [125, 250, 500]);
    conversation(&mut log, &mut subscriber);
    subscriber.receive(heartbeat(at(1), 1), moment(1));
    drain(&mut subscriber);
    assert_eq!(pause(&mut subscriber), 125);
}
