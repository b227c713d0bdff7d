//! A workload's registry with connections from two nodes, and what is known of the mesh.
#![allow(clippy::unwrap_used, reason = "what cannot be built ends the bench")]

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::clock::Clock;
use bulkhead_identity::{self as identity, AcceptedIssuers, Demand, Limits, VerifiedPeer, Verifier};
use bulkhead_mesh::{Cutoff, CutoffSet, Epoch, Levels, Mode, Policy, Subject as Void, Timestamp};
use bulkhead_proxy::clocks::Clocks;
use bulkhead_proxy::identity_source::{Own, Svid};
use bulkhead_proxy::live::Seat;
use bulkhead_proxy::registry::{Registry, Standard};
use bulkhead_proxy::subject::{Cut, Kind, Subject};
use bulkhead_proxy::truth::{Knowledge, Truth};
use tokio::sync::watch;

use crate::certificates::{Mesh, NOW, Shown};

/// A registry, who sits in it, who comes next, and by what all are judged.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) subject: Subject,
    pub(crate) known: Standard,
    _seats: Vec<Seat<Subject, Cut>>,
}

impl World {
    /// This many connections, from n2 and n3 in turn, all of which may be. Kept for ever, so that its end is not counted.
    pub(crate) fn with(seats: usize) -> &'static Self {
        Self::built(seats, CutoffSet::default())
    }

    /// The same when n2 was revoked a moment ago: half of them may not be any longer.
    pub(crate) fn after_a_revocation(seats: usize) -> &'static Self {
        let subject = Void::Node { node: "n2".parse().unwrap(), epoch: Epoch::FIRST };
        let cutoff = Cutoff { subject, reason: "stolen".parse().unwrap(), bound: Timestamp::MAX };
        Self::built(seats, CutoffSet::from_iter([cutoff]))
    }

    fn built(seats: usize, cutoffs: CutoffSet) -> &'static Self {
        let mesh = Mesh::new();
        let own = Some(own(&mesh));
        let (_, owns) = watch::channel(own.clone());
        let registry = Registry::new(Truth::new(), owns, Arc::new(Stopped));
        let subjects = ["n2", "n3"].map(|node| subject(&mesh, node));
        let seats = subjects.iter().cycle().take(seats).map(|subject| registry.live().enter(subject.clone())).collect();
        let [subject, _] = subjects;
        let verify = Arc::new(identity::Truth { cutoffs, ..truth(&mesh) });
        let knowledge = Arc::new(Knowledge { policy: Some(Arc::new(Policy::default())), verify, position: None });
        let known = Standard { own, knowledge, staleness: Duration::ZERO, mode: Mode::Strict, now: NOW };
        Box::leak(Box::new(Self { registry, subject, known, _seats: seats }))
    }
}

fn own(mesh: &Mesh) -> Arc<Own> {
    let identity = mesh.workload("db", "n1", "internal").identity();
    let svid = Svid::new(identity, Arc::new(mesh.bundle())).unwrap().of_generation(1);
    Arc::new(Own::new(&svid, &Levels::default()).unwrap())
}

fn subject(mesh: &Mesh, node: &str) -> Subject {
    let peer = Arc::new(peer(mesh, &mesh.workload("web", node, "internal")));
    Subject { peer: Some(peer), kind: Kind::Inbound { port: 5432 } }
}

fn peer(mesh: &Mesh, shown: &Shown) -> VerifiedPeer {
    let (bundle, demand, truth, limits) = (&mesh.bundle(), &Demand::workload(), &truth(mesh), &Limits::default());
    Verifier { bundle, demand, truth, limits }.verify(&shown.chain, NOW).unwrap()
}

fn truth(mesh: &Mesh) -> identity::Truth {
    let issuers = AcceptedIssuers::from_iter([mesh.issuing.digest(), mesh.control.digest()]);
    identity::Truth { levels: Levels::default(), issuers, cutoffs: CutoffSet::default() }
}

/// Clocks that stand still: what the kernel takes to tell the time is not the registry's.
#[derive(Debug)]
struct Stopped;

impl identity::Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Clock for Stopped {
    fn until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

impl Clocks for Stopped {
    fn boot(&self) -> Duration {
        Duration::ZERO
    }

    fn hear(&self, _: Timestamp) {}
}
