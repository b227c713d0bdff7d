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
    /// The furthest that any life of the process has enforced.
    pub enforcing_ever: Option<Position>,
    acknowledged: Option<Position>,
    seen: Seen,
    /// What was checked last, to check again only what is different.
    checked: Option<(Option<Position>, CutoffSet)>,
    /// Incarnation and version of each address that is known.
    resolved: BTreeMap<IpAddr, (u64, u64)>,
    /// Incarnation and version of the address that arrives at this moment.
    pub delivering: Option<(u64, u64)>,
    /// Whether it has room for few addresses only, and does not remember those that it forgot.
    forgetful: bool,
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
    pub fn new(forgetful: bool, now: Moment) -> Self {
        Self {
            subscriber: subscriber(Held::default(), forgetful, now),
            delivering: None,
            forgetful,
            link: None,
            life: 0,
            attempt: 0,
            skew: 0,
            disk: Disk { bytes: Held::default().to_bytes(), seen: Seen::default() },
            enforcing: None,
            enforcing_ever: None,
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
        self.subscriber = subscriber(held, self.forgetful, now);
        self.seen = self.disk.seen.clone();
        self.link = None;
        self.life += 1;
        self.enforcing = None;
        self.acknowledged = None;
        self.resolved.clear();
        position
    }

    /// A heartbeat that did not end the stream says that nothing is missing, and what time it is.
    pub fn heard(&mut self, heartbeat: &v1::Heartbeat) {
        let head = heartbeat.head.map(Position::from);
        assert_eq!(self.subscriber.held().position(), head, "a heartbeat was taken for less or more than is held");
        self.seen.heard = self.seen.heard.max(Timestamp::from_millis(heartbeat.now_millis));
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
                    self.check_resolved(address, &resolution, record);
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

    pub fn knows(&self, address: IpAddr) -> bool {
        self.resolved.contains_key(&address)
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

    /// What is known of an address is what the CA said, in the history that is held or a later one, and nothing that it
    /// said before.
    fn check_resolved(&mut self, address: IpAddr, resolution: &Resolution, record: &Record) {
        let (incarnation, version) = self.delivering.expect("an address was delivered");
        assert_eq!(record.address(address, incarnation, version), resolution, "{address}");
        let history = self.subscriber.held().position().map_or(0, |position| position.incarnation.number());
        assert!(incarnation >= history, "{address} is of history {incarnation}, and {history} is held");
        let before = self.resolved.insert(address, (incarnation, version));
        let rises = before <= Some((incarnation, version));
        assert!(rises || self.forgetful, "{address} went back from {before:?} to version {version} of {incarnation}");
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

fn subscriber(held: Held, forgetful: bool, now: Moment) -> Subscriber {
    let few = Limits { addresses: 6, address_idle: Duration::from_secs(20), ..Limits::default() };
    let limits = if forgetful { few } else { Limits::default() };
    Subscriber::new(held, "simulated".into(), limits, now)
}

fn covers(held: &Cutoff, cutoff: &Cutoff) -> bool {
    let wider = match (&held.subject, &cutoff.subject) {
        (Subject::Node { node, epoch }, Subject::Node { node: same, epoch: least }) => node == same && epoch >= least,
        (held, cutoff) => held == cutoff,
    };
    wider && held.bound >= cutoff.bound
}
