//! The network, the clocks and the accidents: a queue of events, in which time jumps from one to the next.

mod accidents;
mod agreement;
mod connections;
mod messages;
mod processes;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::feed::{FeedSigner, Moment, Position};
use bulkhead_protocol::v1;

use crate::authority::{self, Authority};
use crate::dice::Dice;
use crate::link::Link;
use crate::record::Record;
use crate::watcher::Watcher;

const WATCHERS: usize = 20;
const FAULTS_END: Duration = Duration::from_mins(1);
const OPERATORS_END: Duration = Duration::from_secs(80);
const END: Duration = Duration::from_secs(100);
const STARTED: Timestamp = Timestamp::from_secs(1_800_000_000);

pub struct World {
    dice: Dice,
    now: Duration,
    queue: BTreeMap<(Duration, u64), Event>,
    events: u64,
    authority: Authority,
    watchers: Vec<Watcher>,
    links: BTreeMap<usize, Link>,
    next_link: usize,
    record: Record,
    /// Genuine messages that somebody may replay.
    recorded: Vec<v1::WatchReply>,
    hostile: bool,
    trace: bool,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Dial { watcher: usize, attempt: u64 },
    AtWatcher(usize),
    AtAuthority(usize),
    BrokenAtWatcher(usize),
    BrokenAtAuthority(usize),
    Pump(usize),
    Tick,
    Enforced { watcher: usize, life: u64, position: Position },
    Accident,
    Operator,
    AuthorityStarts,
    LastBreak,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut dice = Dice::new(seed);
        let start = Moment { wall: STARTED, boot: Duration::ZERO };
        let hostile = dice.once_in(2);
        let mut world = Self {
            hostile,
            dice,
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            events: 0,
            authority: Authority::new(signer()),
            watchers: (0..WATCHERS).map(|index| Watcher::new(index % 2 == 0, start)).collect(),
            links: BTreeMap::new(),
            next_link: 0,
            record: Record::default(),
            recorded: vec![],
            trace,
        };
        (0..WATCHERS).for_each(|watcher| world.dial(watcher, Duration::from_secs(3)));
        world.soon(Event::Operator, 100);
        world.soon(Event::Accident, 3000);
        world.schedule(OPERATORS_END, Event::LastBreak);
        world
    }

    pub fn run(mut self) {
        while let Some(((at, _), event)) = self.next_event() {
            self.now = at;
            if self.trace {
                eprintln!("{at:?} {event:?}");
            }
            self.handle(event);
        }
        self.check_agreement();
    }

    /// The next event of the queue, or the earliest deadline of a subscriber.
    fn next_event(&mut self) -> Option<((Duration, u64), Event)> {
        let wake = self.watchers.iter().filter_map(|watcher| watcher.subscriber.wake_at()).min();
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        match wake.filter(|wake| queued.is_none_or(|queued| *wake < queued)) {
            Some(wake) => Some(((wake.max(self.now), 0), Event::Tick)),
            None => self.queue.pop_first(),
        }
        .filter(|((at, _), _)| *at <= END)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Dial { watcher, attempt } if self.watchers[watcher].attempt == attempt => self.connect(watcher),
            Event::Dial { .. } => {}
            Event::AtWatcher(link) => self.at_watcher(link),
            Event::AtAuthority(link) => self.at_authority(link),
            Event::BrokenAtWatcher(link) => self.broken_at_watcher(link),
            Event::BrokenAtAuthority(link) => drop(self.authority.sessions.remove(&link)),
            Event::Pump(link) => self.pump(link),
            Event::Tick => self.tick(),
            Event::Enforced { watcher, life, position } => self.enforced(watcher, life, position),
            Event::Accident => self.accident(),
            Event::Operator => self.operator(),
            Event::AuthorityStarts => self.authority.up = true,
            Event::LastBreak => self.break_all(),
        }
    }

    fn faulty(&self) -> bool {
        self.now < FAULTS_END
    }

    fn ca_now(&self) -> Timestamp {
        STARTED.plus(self.now)
    }

    fn moment(&self, index: usize) -> Moment {
        let true_millis = self.ca_now().as_millis();
        let wall = Timestamp::from_millis(true_millis.saturating_add_signed(self.watchers[index].skew));
        Moment { wall, boot: self.now }
    }

    fn session(&mut self, link: usize) -> &mut authority::Session {
        self.authority.sessions.entry(link).or_default()
    }

    fn soon(&mut self, event: Event, within_millis: u64) {
        let after = self.dice.millis(within_millis);
        self.schedule(after, event);
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.schedule_at(self.now + after, event);
    }

    fn schedule_at(&mut self, at: Duration, event: Event) {
        self.events += 1;
        self.queue.insert((at, self.events), event);
    }

    fn trace(&self, text: &str) {
        if self.trace {
            eprintln!("{:?}   {text}", self.now);
        }
    }
}

fn signer() -> &'static FeedSigner {
    static SIGNER: OnceLock<FeedSigner> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key is made");
        FeedSigner::from_pkcs8(key.to_pkcs8v1().expect("a key is written").as_ref()).expect("a key is read")
    })
}
