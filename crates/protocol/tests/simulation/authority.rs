//! The CA around its log: a store, backups, a directory, and one session per connection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use bulkhead_mesh::{
    Cutoff, Document, Entry, Epoch, InstanceId, Policy, Resolution, Serial, SpkiDigest, Subject, Timestamp,
};
use bulkhead_protocol::feed::log::{Regression, Settings, Subscription};
use bulkhead_protocol::feed::{AddressAnswer, FeedSigner, Incarnation, Log, Position, SignedFact, Statement};
use bulkhead_protocol::v1;

use crate::dice::Dice;
use crate::record::Record;

pub const FEED_CHAIN: [u8; 4] = *b"feed";
const ADDRESSES: u8 = 12;
const NODES: u64 = 8;

pub struct Authority {
    pub signer: &'static FeedSigner,
    pub log: Log,
    pub store: Store,
    backup: Option<Store>,
    pub sessions: BTreeMap<usize, Session>,
    pub up: bool,
    /// When it was restored without knowing: until a watcher tells, it writes nothing.
    pub frozen: Option<Duration>,
    last_incarnation: u64,
}

/// What survives a restart.
#[derive(Clone)]
pub struct Store {
    head: Position,
    facts: Vec<SignedFact>,
    pub directory: BTreeMap<IpAddr, (u64, Resolution)>,
}

/// What the CA knows of one connection.
#[derive(Default)]
pub struct Session {
    pub subscription: Option<Subscription>,
    pub interest: BTreeSet<IpAddr>,
}

impl Authority {
    pub fn new(signer: &'static FeedSigner) -> Self {
        let incarnation = Incarnation::new(1);
        let head = Position::start(incarnation);
        Self {
            signer,
            log: Log::new(incarnation, settings()),
            store: Store { head, facts: vec![], directory: BTreeMap::new() },
            backup: None,
            sessions: BTreeMap::new(),
            up: true,
            frozen: None,
            last_incarnation: 1,
        }
    }

    pub fn append(&mut self, statement: &Statement, record: &mut Record) {
        let position = self.log.head().next().expect("a simulation is short");
        record.note(position, statement);
        let fact = self.signer.fact(position, statement).expect("the key signs");
        self.log.append(fact.clone()).expect("the fact is the next");
        self.store.head = position;
        self.store.facts.push(fact);
    }

    /// Changes what stands at some address, and says which.
    pub fn move_somebody(&mut self, dice: &mut Dice, record: &mut Record) -> IpAddr {
        let address = any_address(dice);
        let version = self.store.directory.get(&address).map_or(1, |(version, _)| version + 1);
        let resolution = any_resolution(dice);
        self.store.directory.insert(address, (version, resolution));
        self.record_address(address, record);
        address
    }

    pub fn back_up(&mut self) {
        self.backup = Some(self.store.clone());
    }

    pub fn restart(&mut self, now: Timestamp) {
        self.sessions.clear();
        let in_force = self.store.facts.iter().cloned();
        self.log = Log::load(self.store.head, in_force, settings()).expect("the store holds a history");
        self.log.expire(now);
    }

    /// Goes back to the backup; whether there was one that is older.
    pub fn restore(&mut self, now: Timestamp) -> bool {
        let Some(backup) = self.backup.take().filter(|backup| backup.head != self.store.head) else { return false };
        self.store = backup;
        self.restart(now);
        true
    }

    /// Begins another history, with all that this CA still knows to be in force.
    pub fn begin_history(&mut self, record: &mut Record) {
        self.last_incarnation += 1;
        let incarnation = Incarnation::new(self.last_incarnation);
        let in_force: Vec<_> = self.log.in_force().map(|fact| record.fact(fact.position()).clone()).collect();
        self.log = Log::new(incarnation, settings());
        self.store.head = Position::start(incarnation);
        self.store.facts.clear();
        self.frozen = None;
        for statement in &in_force {
            self.append(statement, record);
        }
    }

    /// Welcomes a watcher; what it said if it knows more than this CA.
    pub fn hello(&mut self, link: usize, hello: &v1::Hello) -> (v1::Welcome, Option<Regression>) {
        let welcomed = self.log.welcome(hello, self.signer).expect("our watchers are capable");
        self.sessions.entry(link).or_default().subscription = Some(welcomed.subscription);
        (welcomed.welcome, welcomed.regression)
    }

    pub fn answer(&self, address: IpAddr, record: &mut Record) -> v1::SignedAddress {
        self.record_address(address, record);
        let (version, resolution) = self.stands(address);
        let incarnation = self.log.head().incarnation;
        self.signer.address(&AddressAnswer { incarnation, address, version, resolution }).expect("the key signs")
    }

    pub fn stands(&self, address: IpAddr) -> (u64, Resolution) {
        self.store.directory.get(&address).cloned().unwrap_or((0, Resolution::Unknown))
    }

    fn record_address(&self, address: IpAddr, record: &mut Record) {
        let (version, resolution) = self.stands(address);
        let incarnation = self.log.head().incarnation.number();
        record.note_address(address, incarnation, version, &resolution);
    }
}

/// A statement such as an operator might cause.
pub fn any_statement(dice: &mut Dice, now: Timestamp) -> Statement {
    match dice.below(6) {
        0 => {
            let label = if dice.once_in(2) { "internal" } else { "confidential" };
            let mesh_cidrs = vec![format!("10.{}.0.0/16", dice.below(250))];
            let document = Document { default_label: Some(label.into()), mesh_cidrs, ..Document::default() };
            Statement::Policy(std::sync::Arc::new(Policy::try_from(document).expect("the document is valid")))
        }
        1 => {
            let digest = SpkiDigest::from_bytes([dice.below(256) as u8; 32]);
            Statement::Issuers(std::sync::Arc::new([digest].into_iter().collect()))
        }
        _ => Statement::Cutoff(any_cutoff(dice, now)),
    }
}

fn any_cutoff(dice: &mut Dice, now: Timestamp) -> Cutoff {
    let subject = if dice.below(3) == 0 {
        Subject::Serial(Serial::from_random([dice.below(256) as u8; 16]))
    } else {
        let node = format!("n{}", dice.below(NODES)).parse().expect("a node's name");
        Subject::Node { node, epoch: Epoch::new(1 + dice.below(3) as u32) }
    };
    let lasts = if dice.once_in(3) { dice.millis(60_000) } else { Duration::from_hours(24) };
    let reason = if dice.once_in(2) { "stolen" } else { "tested" };
    Cutoff { subject, reason: reason.parse().expect("a reason"), bound: now.plus(lasts) }
}

pub fn any_address(dice: &mut Dice) -> IpAddr {
    [10, 77, 0, dice.below(ADDRESSES.into()) as u8].into()
}

fn any_resolution(dice: &mut Dice) -> Resolution {
    let instance = InstanceId::from_bytes(std::array::from_fn(|_| dice.below(256) as u8));
    let node = format!("n{}", dice.below(NODES)).parse().expect("a node's name");
    match dice.below(12) {
        0 => Resolution::Entry(Entry::Plain),
        1 => Resolution::Unknown,
        _ => Resolution::Entry(Entry::Workload {
            id: "spiffe://prod.example/ns/shop/sa/db".parse().expect("an ID"),
            node: bulkhead_mesh::NodeEpoch { node, epoch: Epoch::FIRST },
            instance,
        }),
    }
}

fn settings() -> Settings {
    // Few facts are kept, so that both ways to come back are walked.
    Settings { recent: 5, ..Settings::new(vec![FEED_CHAIN.to_vec()]) }
}
