//! A simulated API server with three watches, a CA that applies what it is told, and everything that can come between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bulkhead_mesh::{InstanceId, ServiceName};
use bulkhead_protocol::v1;
use proptest::prelude::*;

use super::tests::{address, pod, service, slice, uid, web};
use super::*;
use crate::controller::cluster::{Change, EndpointState, Pod, Service, Slice, SliceName};

#[derive(Clone, Copy, Debug)]
enum Act {
    /// An object becomes this, or goes.
    Pod(u8, Option<u8>),
    Service(u8, Option<u8>),
    Slice(u8, Option<u8>),
    /// A watch has lost its place: it forgets what it had not told and lists anew; a first attempt may break off after some.
    Relist(u8, u8),
    /// A watch tells everything again.
    Repeat(u8),
    /// A watch tells some of what it has to tell.
    Deliver(u8, u8),
    /// The stream to the CA begins, or begins anew.
    Begin,
    Break,
    /// One write reaches the CA.
    Write,
    Answer,
}

fn any_act() -> impl Strategy<Value = Act> {
    let variant = || prop::option::weighted(0.7, 0..3_u8);
    prop_oneof![
        4 => (0..5_u8, variant()).prop_map(|(number, becomes)| Act::Pod(number, becomes)),
        2 => (0..3_u8, variant()).prop_map(|(number, becomes)| Act::Service(number, becomes)),
        4 => (0..4_u8, variant()).prop_map(|(number, becomes)| Act::Slice(number, becomes)),
        1 => (0..3_u8, 0..4_u8).prop_map(|(kind, after)| Act::Relist(kind, after)),
        1 => (0..3_u8).prop_map(Act::Repeat),
        6 => (0..3_u8, 1..6_u8).prop_map(|(kind, number)| Act::Deliver(kind, number)),
        1 => Just(Act::Begin),
        1 => Just(Act::Break),
        5 => Just(Act::Write),
        3 => Just(Act::Answer),
    ]
}

/// One kind of object at the API server, and what its watch has yet to tell.
struct Watched<K, V> {
    truth: BTreeMap<K, V>,
    untold: VecDeque<Change<K, V>>,
}

impl<K: Ord + Clone, V: Clone> Watched<K, V> {
    fn new() -> Self {
        let mut watched = Self { truth: BTreeMap::new(), untold: VecDeque::new() };
        watched.list(0);
        watched
    }

    fn becomes(&mut self, key: K, value: Option<V>) {
        if let Some(value) = value {
            self.truth.insert(key.clone(), value.clone());
            self.untold.push_back(Change::Seen(key, value));
        } else {
            self.truth.remove(&key);
            self.untold.push_back(Change::Gone(key));
        }
    }

    fn list(&mut self, breaks_after: usize) {
        self.untold.clear();
        let seen = || self.truth.iter().map(|(key, value)| Change::Seen(key.clone(), value.clone()));
        let attempt = std::iter::once(Change::Begins).chain(seen().take(breaks_after));
        let listing = std::iter::once(Change::Begins).chain(seen()).chain([Change::Complete]);
        self.untold = attempt.chain(listing).collect();
    }

    fn repeat(&mut self) {
        self.untold.extend(self.truth.iter().map(|(key, value)| Change::Seen(key.clone(), value.clone())));
    }
}

/// A CA that does what its contract says, and what it knows.
#[derive(Clone, Debug, Default, PartialEq)]
struct Picture {
    pods: BTreeMap<Vec<u8>, v1::Pod>,
    services: BTreeMap<String, v1::ClusterService>,
}

#[derive(Default)]
struct Applier {
    picture: Picture,
    /// What this stream has named; none once its listing is complete.
    named: Option<(BTreeSet<Vec<u8>>, BTreeSet<String>)>,
    number: u64,
}

impl Applier {
    fn begins(&mut self) {
        self.named = Some(<_>::default());
        self.number = 0;
    }

    fn apply(&mut self, write: v1::DirectoryWrite) {
        self.number += 1;
        assert_eq!(write.number, self.number);
        assert!(items(&write) <= LIMITS.items && (items(&write) > 0 || write.complete), "{write:?}");
        for pod in write.pods {
            if let Some((pods, _)) = &mut self.named {
                pods.insert(pod.uid.clone());
            }
            self.picture.pods.insert(pod.uid.clone(), pod);
        }
        for service in write.services {
            if let Some((_, services)) = &mut self.named {
                services.insert(service.name.clone());
            }
            self.picture.services.insert(service.name.clone(), service);
        }
        for uid in write.gone_pods {
            assert!(self.picture.pods.remove(&uid).is_some(), "it was there");
        }
        for name in write.gone_services {
            assert!(self.picture.services.remove(&name).is_some(), "it was there");
        }
        if write.complete {
            let (pods, services) = self.named.take().expect("a listing is complete once");
            self.picture.pods.retain(|uid, _| pods.contains(uid));
            self.picture.services.retain(|name, _| services.contains(name));
        }
    }
}

fn items(write: &v1::DirectoryWrite) -> usize {
    write.pods.len() + write.gone_pods.len() + write.services.len() + write.gone_services.len()
}

struct World {
    pods: Watched<InstanceId, Pod>,
    services: Watched<ServiceName, Service>,
    slices: Watched<SliceName, Slice>,
    directory: Directory,
    ca: Applier,
    unanswered: VecDeque<u64>,
    stream: bool,
}

const LIMITS: Limits = Limits { pods: 100, services: 100, endpoints: 1000, items: 3, bytes: 400, unanswered: 2 };

impl World {
    fn new() -> Self {
        Self {
            pods: Watched::new(),
            services: Watched::new(),
            slices: Watched::new(),
            directory: Directory::new(LIMITS),
            ca: Applier::default(),
            unanswered: VecDeque::new(),
            stream: false,
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Pod(number, becomes) => self.pods.becomes(uid(number), becomes.map(|variant| a_pod(number, variant))),
            Act::Service(number, becomes) => self.services.becomes(name(number), becomes.map(a_service)),
            Act::Slice(number, becomes) => {
                self.slices.becomes(slice_name(number), becomes.map(|variant| a_slice(number, variant)));
            }
            Act::Relist(kind, after) => self.relist(kind, after.into()),
            Act::Repeat(0) => self.pods.repeat(),
            Act::Repeat(1) => self.services.repeat(),
            Act::Repeat(_) => self.slices.repeat(),
            Act::Deliver(kind, number) => {
                for _ in 0..number {
                    self.deliver(kind);
                }
            }
            Act::Begin => {
                self.end();
                self.begin();
            }
            Act::Break => self.end(),
            Act::Write => {
                self.write();
            }
            Act::Answer => {
                self.answer();
            }
        }
    }

    fn relist(&mut self, kind: u8, breaks_after: usize) {
        match kind {
            0 => self.pods.list(breaks_after),
            1 => self.services.list(breaks_after),
            _ => self.slices.list(breaks_after),
        }
    }

    fn deliver(&mut self, kind: u8) -> bool {
        let taken = match kind {
            0 => self.pods.untold.pop_front().map(|change| self.directory.see_pod(change)),
            1 => self.services.untold.pop_front().map(|change| self.directory.see_service(change)),
            _ => self.slices.untold.pop_front().map(|change| self.directory.see_slice(change)),
        };
        taken.map(|taken| taken.expect("no limit is reached")).is_some()
    }

    fn begin(&mut self) {
        self.stream = self.directory.begin();
        if self.stream {
            self.ca.begins();
        }
    }

    fn end(&mut self) {
        self.directory.end();
        self.unanswered.clear();
        self.stream = false;
    }

    fn write(&mut self) -> bool {
        let Some(write) = self.directory.next_write() else { return false };
        assert!(self.stream, "without a stream nothing is said");
        self.unanswered.push_back(write.message.number);
        assert!(self.unanswered.len() as u64 <= LIMITS.unanswered);
        self.ca.apply(write.message);
        true
    }

    fn answer(&mut self) -> bool {
        let number = self.unanswered.pop_front();
        number.inspect(|number| self.directory.answered(*number).unwrap()).is_some()
    }

    /// Everything that is under way arrives.
    fn settle(&mut self) -> Picture {
        for kind in 0..3 {
            while self.deliver(kind) {}
        }
        if !self.stream {
            self.begin();
        }
        while self.write() || self.answer() {}
        assert!(self.directory.has_listed());
        self.ca.picture.clone()
    }

    /// What somebody is told who sees nothing but the end.
    fn told_of_the_end_alone(&self) -> Picture {
        let mut afresh = Self::new();
        afresh.pods.truth.clone_from(&self.pods.truth);
        afresh.services.truth.clone_from(&self.services.truth);
        afresh.slices.truth.clone_from(&self.slices.truth);
        for kind in 0..3 {
            afresh.relist(kind, 0);
        }
        afresh.settle()
    }
}

fn a_pod(number: u8, variant: u8) -> Pod {
    match variant {
        0 => pod(number),
        1 => Pod { sidecar: false, addresses: [address(variant)].into(), ..pod(number) },
        _ => Pod { addresses: [].into(), ..pod(number) },
    }
}

fn name(number: u8) -> ServiceName {
    if number == 0 { web() } else { format!("s{number}.shop").parse().unwrap() }
}

fn a_service(variant: u8) -> Service {
    match variant {
        0 => service(&[("http", 80)]),
        1 => service(&[("http", 80), ("admin", 81)]),
        _ => service(&[("admin", 80)]),
    }
}

fn slice_name(number: u8) -> SliceName {
    ("shop".into(), format!("slice-{number}").into())
}

/// Slices change their service, their ports and their endpoints.
fn a_slice(number: u8, variant: u8) -> Slice {
    let state = [EndpointState::Ready, EndpointState::Ending, EndpointState::Unready][usize::from(variant)];
    let made = slice(&[("http", 8080), ("admin", 9000 + u16::from(number % 2))], &[(number, state), (9, state)]);
    Slice { service: name((number + variant) % 3), ..made }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever has come between: lost places, broken listings, repetitions, broken streams, slow answers.
    #[test]
    fn the_ca_knows_in_the_end_what_the_objects_are_in_the_end(acts in prop::collection::vec(any_act(), 0..120)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        let told = world.settle();
        prop_assert_eq!(told, world.told_of_the_end_alone());
    }

    /// And what is told is what there is: each pod with an address, each service.
    #[test]
    fn whatever_there_is_is_told(acts in prop::collection::vec(any_act(), 0..60)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        let told = world.settle();
        let with_address = world.pods.truth.iter().filter(|(_, pod)| !pod.addresses.is_empty());
        let uids: Vec<_> = with_address.map(|(uid, _)| uid.as_bytes().to_vec()).collect();
        prop_assert_eq!(told.pods.into_keys().collect::<Vec<_>>(), uids);
        let names: BTreeSet<_> = world.services.truth.keys().map(ToString::to_string).collect();
        prop_assert_eq!(told.services.into_keys().collect::<BTreeSet<_>>(), names);
    }
}
