//! A world of two replicas, a Secret, a bundle and slow API servers, in which everything may fail: there is no moment in
//! which a replica shows a certificate whose CA an API server does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bulkhead_mesh::Timestamp;
use proptest::prelude::*;

use super::rotation::{AuthorityId, Now, Pace, Plan, Rotation, Standing, Term};

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// Time passes, in seconds.
    Passes(u64),
    /// A replica reads the configuration, or the Secret; the answer may be lost.
    ReadsBundle(usize, bool),
    ReadsSecret(usize, bool),
    /// A replica works out its plan and begins to serve.
    Decides(usize),
    /// A replica writes what it has planned; `true`: and hears the answer.
    Writes(usize, bool),
    /// A replica reads both and decides, and has not yet written.
    Begins(usize),
    /// A replica does all of its rounds for some time, while the other does nothing.
    Rounds(usize, u64),
    /// A replica starts anew, and remembers nothing.
    Restarts(usize),
    /// Somebody empties the Secret.
    Empties,
}

/// An object with its resourceVersion.
type Versioned<T> = (u64, T);

#[derive(Clone, Debug, Default)]
struct Replica {
    rotation: Rotation,
    secret: Option<Versioned<Vec<Term>>>,
    bundle: Option<Versioned<Standing>>,
    /// With what it was worked out from.
    plan: Option<(Plan, Versioned<Vec<Term>>, Versioned<Standing>)>,
    serving: Option<AuthorityId>,
}

struct World {
    now: u64,
    made: u16,
    secret: Versioned<Vec<Term>>,
    bundle: Versioned<Standing>,
    /// Every bundle with the time from which on it was the newest.
    history: Vec<(u64, Standing)>,
    replicas: [Replica; 2],
}

impl World {
    /// One generation that has been in use for long.
    fn new() -> Self {
        let first = term(0, LIFETIME);
        let standing = Standing { webhooks: vec![[(first.authority, first.not_after)].into(); 2] };
        let mut world = Self {
            now: SETTLE,
            made: 0,
            secret: (0, vec![first]),
            bundle: (0, standing.clone()),
            history: vec![(0, standing)],
            replicas: <[Replica; 2]>::default(),
        };
        for replica in [0, 1] {
            world.looks(replica);
        }
        world
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Passes(seconds) => self.now += seconds,
            Happening::ReadsBundle(replica, lost) => {
                self.replicas[replica].bundle = (!lost).then(|| self.bundle.clone());
            }
            Happening::ReadsSecret(replica, lost) => {
                self.replicas[replica].secret = (!lost).then(|| self.secret.clone());
            }
            Happening::Decides(replica) => self.decides(replica),
            Happening::Writes(replica, heard) => self.writes(replica, heard),
            Happening::Begins(replica) => self.begins(replica),
            Happening::Rounds(replica, rounds) => {
                for _ in 0..rounds {
                    self.looks(replica);
                    self.now += PACE_OF_ROUNDS;
                }
            }
            Happening::Restarts(replica) => self.replicas[replica] = Replica::default(),
            Happening::Empties => self.secret = (self.secret.0 + 1, Vec::new()),
        }
    }

    /// One whole round of a replica for which nothing fails.
    fn looks(&mut self, replica: usize) {
        self.begins(replica);
        self.writes(replica, true);
    }

    fn begins(&mut self, replica: usize) {
        self.replicas[replica].bundle = Some(self.bundle.clone());
        self.replicas[replica].secret = Some(self.secret.clone());
        self.decides(replica);
    }

    fn decides(&mut self, replica: usize) {
        let now = Now { wall: Timestamp::from_secs(self.now), since_boot: Duration::from_secs(self.now) };
        let replica = &mut self.replicas[replica];
        if let (Some(secret), Some(bundle)) = (&replica.secret, &replica.bundle) {
            let plan = replica.rotation.step(now, &secret.1, &bundle.1, PACE);
            replica.serving = plan.serve;
            replica.plan = Some((plan, secret.clone(), bundle.clone()));
        }
    }

    /// Over what was read, or not at all. What was planned long ago may be written late, and whoever does not hear that it
    /// was may write again.
    fn writes(&mut self, replica: usize, heard: bool) {
        let planned = self.replicas[replica].plan.clone();
        let Some((plan, secret, bundle)) = planned else { return };
        if plan.make && secret.0 == self.secret.0 {
            self.made += 1;
            let mut kept = secret.1;
            kept.push(term(self.made, self.now + LIFETIME));
            self.secret = (secret.0 + 1, kept.split_off(kept.len().saturating_sub(KEPT)));
        } else if let Some(wanted) = plan.publish.as_ref().filter(|_| bundle.0 == self.bundle.0) {
            let kept = secret.1.iter().map(|term| (term.authority, term.not_after));
            let standing = bundle.1.webhooks.iter().flatten().map(|(id, end)| (*id, *end));
            let ends: BTreeMap<_, _> = standing.chain(kept).collect();
            let held: BTreeMap<_, _> = wanted.iter().map(|id| (*id, ends[id])).collect();
            self.bundle = (self.bundle.0 + 1, Standing { webhooks: vec![held; 2] });
            self.history.push((self.now, self.bundle.1.clone()));
        }
        if heard {
            self.replicas[replica].plan = None;
        }
    }

    /// Every bundle that some API server may believe at this moment.
    fn believed(&self) -> impl Iterator<Item = &Standing> {
        let ends = self.history.iter().skip(1).map(|(from, _)| *from).chain([u64::MAX]);
        let believed = self.history.iter().zip(ends).filter(|(_, end)| *end > self.now.saturating_sub(SETTLE));
        believed.map(|((_, standing), _)| standing)
    }

    /// A replica's certificate that has not ended is believed by all, or there is none that is.
    fn check(&self) -> Result<(), TestCaseError> {
        for replica in &self.replicas {
            let Some(serving) = replica.serving else { continue };
            if self.ends(serving) <= self.now {
                continue; // A replica that has heard nothing for so long; the API server asks the other one.
            }
            let better = self.secret.1.iter().map(|term| term.authority).find(|kept| self.is_believed(*kept));
            let believed = self.is_believed(serving) || better.is_none();
            prop_assert!(believed, "at {} s {serving:?} is shown, and {better:?} is believed", self.now);
        }
        Ok(())
    }

    /// Whether it has not ended, and every API server holds its CA, whichever bundle it has seen.
    fn is_believed(&self, authority: AuthorityId) -> bool {
        let holds = |standing: &Standing| standing.webhooks.iter().all(|held| held.contains_key(&authority));
        self.ends(authority) > self.now && self.believed().all(holds)
    }

    fn ends(&self, authority: AuthorityId) -> u64 {
        let ends = self.history.iter().flat_map(|(_, standing)| standing.webhooks.iter().flatten());
        let end = ends.filter(|(id, _)| **id == authority).map(|(_, end)| end.as_secs()).max();
        end.unwrap_or_default()
    }
}

fn term(name: u16, end: u64) -> Term {
    let mut authority = [0; 32];
    authority[..2].copy_from_slice(&name.to_be_bytes());
    Term { authority: AuthorityId(authority), not_after: Timestamp::from_secs(end), fits: true }
}

fn happening() -> impl Strategy<Value = Happening> {
    let replica = 0..2_usize;
    let seldom = || prop::bool::weighted(0.1);
    prop_oneof![
        4 => (0..15_u64).prop_map(Happening::Passes),
        2 => (replica.clone(), seldom()).prop_map(|(replica, lost)| Happening::ReadsBundle(replica, lost)),
        2 => (replica.clone(), seldom()).prop_map(|(replica, lost)| Happening::ReadsSecret(replica, lost)),
        2 => replica.clone().prop_map(Happening::Decides),
        6 => replica.clone().prop_map(Happening::Begins),
        6 => (replica.clone(), any::<bool>()).prop_map(|(replica, heard)| Happening::Writes(replica, heard)),
        4 => (replica.clone(), 1..30_u64).prop_map(|(replica, rounds)| Happening::Rounds(replica, rounds)),
        1 => replica.prop_map(Happening::Restarts),
        1 => Just(Happening::Empties),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_shown_is_believed_whatever_fails(happenings in prop::collection::vec(happening(), 1..80)) {
        let mut world = World::new();
        for happening in happenings {
            world.happens(happening);
            world.check()?;
        }
    }

    /// However it was left, some rounds without a failure bring both replicas to one certificate with life in it.
    #[test]
    fn both_replicas_come_to_the_same_fresh_certificate(happenings in prop::collection::vec(happening(), 1..80)) {
        let mut world = World::new();
        for happening in happenings {
            world.happens(happening);
        }
        for _ in 0..SETTLE + 10 {
            for replica in [0, 1] {
                world.looks(replica);
            }
            world.now += 1;
        }
        let serving: BTreeSet<_> = world.replicas.iter().map(|replica| replica.serving).collect();
        prop_assert_eq!(serving.len(), 1, "{:?}", serving);
        let serving = serving.into_iter().flatten().next();
        prop_assert!(serving.is_some_and(|serving| world.ends(serving) > world.now), "{:?}", serving);
    }
}

const LIFETIME: u64 = 300;
const SETTLE: u64 = 20;
const PACE_OF_ROUNDS: u64 = 7;
const PACE: Pace = Pace { renewal: Duration::from_secs(100), settle: Duration::from_secs(SETTLE) };
const KEPT: usize = 4;
