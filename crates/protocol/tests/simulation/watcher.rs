//! A proxy around its subscriber: a disk, clocks that jump, enforcement that takes its time; and what must be true of it.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use bulkhead_mesh::{Cutoff, CutoffSet, Resolution, Subject, Timestamp};
use bulkhead_protocol::feed::subscriber::{Action, Change, Held, Stored};
use bulkhead_protocol::feed::{FeedVerifier, Limits, Moment, Position, Subscriber};
use bulkhead_protocol::v1::{self, watch_request::Message};

use crate::record::Record;

pub struct Watcher {
    pub subscriber: Subscriber,
    pub link: Option<usize>,
    /// Which life of the process: what an earlier one had in mind is void.
    pub life: u64,
    /// Which attempt to connect is the last.
    pub attempt: u64,
    /// What an administrator did to the wall clock, in milliseconds.
    pub skew: i64,
    disk: Disk,
    /// What the driver really enforces.
    pub enforcing: Option<Position>,
    acknowledged: Option<Position>,
    seen: Seen,
    /// What was checked last, to check again only what is different.
    checked: Option<(Option<Position>, CutoffSet)>,
    resolved: BTreeMap<IpAddr, Resolution>,
}

/// What the process has been told, noted beside it.
#[derive(Clone, Default)]
struct Seen {
    position: Option<Position>,
    cutoffs: Vec<Cutoff>,
    heard: Timestamp,
}

#[derive(Clone, Default)]
struct Disk {
    bytes: Vec<u8>,
    seen: Seen,
}

/// What the world has to do for a watcher.
pub enum Wish {
    Send(v1::WatchRequest),
    Enforce(Position),
    Reconnect { longest: Duration, reason: String },
}

impl Watcher {
    pub fn new(now: Moment) -> Self {
        Self {
            subscriber: subscriber(Held::default(), now),
            link: None,
            life: 0,
            attempt: 0,
            skew: 0,
            disk: Disk { bytes: Held::default().to_bytes(), seen: Seen::default() },
            enforcing: None,
            acknowledged: None,
            seen: Seen::default(),
            checked: None,
            resolved: BTreeMap::new(),
        }
    }

    /// The process is killed and comes back with what was on its disk.
    pub fn restart(&mut self, public_key: &FeedVerifier, now: Moment) -> Option<Position> {
        let stored = Stored::read(&self.disk.bytes).expect("the disk holds what was written");
        let held = stored.verify(public_key, &Limits::default()).expect("the facts on the disk are the CA's");
        let position = held.position();
        self.subscriber = subscriber(held, now);
        self.seen = self.disk.seen.clone();
        self.link = None;
        self.life += 1;
        self.enforcing = None;
        self.acknowledged = None;
        self.resolved.clear();
        position
    }

    pub fn heartbeat_heard(&mut self, now_millis: u64) {
        if self.subscriber.held().not_before() == Timestamp::from_millis(now_millis) {
            self.seen.heard = self.seen.heard.max(Timestamp::from_millis(now_millis));
        }
    }

    /// Does what the subscriber asks, checks each step, and returns what concerns others.
    pub fn work(&mut self, record: &Record, ca_now: Timestamp, now: Moment) -> VecDeque<Wish> {
        let mut wishes = VecDeque::new();
        while let Some(action) = self.subscriber.poll() {
            match action {
                Action::Send(request) => {
                    self.check_sent(&request);
                    wishes.push_back(Wish::Send(request));
                }
                Action::Apply { position, change } => {
                    self.check_applied(position, &change, record);
                    wishes.push_back(Wish::Enforce(position));
                }
                Action::Persist => {
                    self.disk = Disk { bytes: self.subscriber.held().to_bytes(), seen: self.seen.clone() };
                }
                Action::Resolved(address, resolution) => {
                    self.resolved.insert(address, resolution);
                }
                Action::Registrations(_) => panic!("the CA sends no registrations"),
                Action::Reconnect { reason, backoff } => {
                    self.link = None;
                    self.acknowledged = None;
                    let longest = 2 * backoff.delay(bulkhead_protocol::jitter::Jitter::from_random(1 << 31));
                    wishes.push_back(Wish::Reconnect { longest, reason: format!("{reason:?}") });
                }
            }
        }
        self.check_held(record, ca_now, now);
        wishes
    }

    /// What a watcher that has been left in peace must have come to.
    pub fn resolved(&self) -> &BTreeMap<IpAddr, Resolution> {
        &self.resolved
    }

    /// Facts come in order and without a gap, and say what the CA said; a snapshot never leads back.
    fn check_applied(&mut self, position: Position, change: &Change, record: &Record) {
        let before = self.seen.position;
        match change {
            Change::Whole => {
                assert!(before.is_none_or(|before| before <= position), "a snapshot at {position} after {before:?}");
                self.seen.cutoffs.extend(record.cutoffs_at(position));
            }
            Change::Expired => assert_eq!(before, Some(position), "an expiry moves nothing"),
            Change::Policy(_) | Change::Issuers(_) | Change::Cutoff(_) => {
                let before = before.expect("deltas follow a snapshot");
                assert!(before.precedes(position), "{position} was applied after {before}");
                self.check_meaning(position, change, record);
            }
        }
        self.seen.position = Some(position);
    }

    fn check_meaning(&mut self, position: Position, change: &Change, record: &Record) {
        use bulkhead_protocol::feed::Statement;
        match (change, record.fact(position)) {
            (Change::Policy(applied), Statement::Policy(said)) => assert_eq!(applied, said),
            (Change::Issuers(applied), Statement::Issuers(said)) => assert_eq!(applied, said),
            (Change::Cutoff(applied), Statement::Cutoff(said)) => {
                assert_eq!(applied, said);
                self.seen.cutoffs.push(said.clone());
            }
            (applied, said) => panic!("{applied:?} was applied at {position}, where the CA said {said:?}"),
        }
    }

    /// Nothing is acknowledged that is not enforced, and acknowledgements rise.
    fn check_sent(&mut self, request: &v1::WatchRequest) {
        let Some(Message::Enforced(v1::Enforced { position, .. })) = &request.message else { return };
        let position = Position::from(position.expect("an acknowledgement names a position"));
        assert!(self.enforcing >= Some(position), "{position} is acknowledged, {:?} is enforced", self.enforcing);
        assert!(self.acknowledged <= Some(position), "{position} is acknowledged after {:?}", self.acknowledged);
        self.acknowledged = Some(position);
    }

    /// What is held is what was in force there, no cutoff is lost or invented, and time does not go back.
    fn check_held(&mut self, record: &Record, ca_now: Timestamp, now: Moment) {
        assert!(self.subscriber.now(now) >= self.seen.heard, "a time before the last one heard is believed");
        let held = self.subscriber.held();
        assert_eq!(held.position(), self.seen.position, "a position that was never applied");
        if self.checked.as_ref().is_some_and(|(at, cutoffs)| (*at, cutoffs) == (held.position(), held.cutoffs())) {
            return;
        }
        self.checked = Some((held.position(), held.cutoffs().clone()));
        if let Some(position) = held.position() {
            assert_eq!(held.policy().cloned(), record.policy_at(position), "the policy at {position}");
            assert_eq!(held.issuers().cloned(), record.issuers_at(position), "the issuers at {position}");
        }
        self.seen.cutoffs.retain(|cutoff| ca_now <= cutoff.bound);
        for cutoff in &self.seen.cutoffs {
            assert!(held.cutoffs().iter().any(|held| covers(held, cutoff)), "lost: {cutoff} until {}", cutoff.bound);
        }
        for cutoff in held.cutoffs().iter() {
            assert!(record.ever_cut_off(&cutoff.subject), "forged: {cutoff}");
        }
    }
}

fn subscriber(held: Held, now: Moment) -> Subscriber {
    let limits = Limits { addresses: 6, address_idle: Duration::from_secs(40), ..Limits::default() };
    Subscriber::new(held, "simulated".into(), limits, now)
}

fn covers(held: &Cutoff, cutoff: &Cutoff) -> bool {
    let wider = match (&held.subject, &cutoff.subject) {
        (Subject::Node { node, epoch }, Subject::Node { node: same, epoch: least }) => node == same && epoch >= least,
        (held, cutoff) => held == cutoff,
    };
    wider && held.bound >= cutoff.bound
}
