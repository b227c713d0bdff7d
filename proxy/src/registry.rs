//! The gate to the index of live connections: whatever opens comes through here, and whatever changes is enforced here.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Mode, Standing, Timestamp};
use tokio::sync::watch;

use crate::clocks::SharedClocks;
use crate::identity_source::Own;
use crate::live::{Live, Seat};
use crate::sabotage;
use crate::subject::{Cut, Subject, judge, stale};
use crate::truth::{Knowledge, Truth};

/// The index of everything open, with all that is needed to judge it.
#[derive(Clone, Debug)]
pub struct Registry {
    live: Arc<Live<Subject, Cut>>,
    truth: Arc<Truth>,
    own: watch::Receiver<Option<Arc<Own>>>,
    clocks: SharedClocks,
    mode: Mode,
}

/// What things are judged by, as it stood at one moment.
#[derive(Clone, Debug)]
pub struct Standard {
    /// What this workload is; nothing passes while it is nobody.
    pub own: Option<Arc<Own>>,
    /// What is known of the mesh.
    pub knowledge: Arc<Knowledge>,
    /// How old that is.
    pub staleness: Duration,
    /// How strictly this workload keeps the policy.
    pub mode: Mode,
    /// The time.
    pub now: Timestamp,
}

impl Registry {
    /// The gate to an empty index, of a workload that is strict.
    pub fn new(truth: Arc<Truth>, own: watch::Receiver<Option<Arc<Own>>>, clocks: SharedClocks) -> Self {
        Self { live: Live::new(), truth, own, clocks, mode: Mode::Strict }
    }

    /// The gate of a workload in this mode.
    #[must_use]
    pub fn in_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Enters what is about to open, and judges it then. The seat's owner may open it while the seat is not cut.
    ///
    /// Entering comes first: a change that is published before the judgement is seen by it, one that is published
    /// after it sweeps the seat. The other way round, a change in between would be missed by both.
    pub fn enter(&self, subject: Subject) -> Result<(Seat<Subject, Cut>, Standard), Cut> {
        let seat = self.live.enter(subject);
        let standard = self.standard();
        match standard.judge(seat.subject()) {
            Some(cut) => Err(cut),
            None => Ok((seat, standard)),
        }
    }

    /// What things are judged by now.
    pub fn standard(&self) -> Standard {
        let (own, knowledge) = (self.own.borrow().clone(), self.truth.load());
        let staleness = self.truth.staleness(self.clocks.boot());
        Standard { own, knowledge, staleness, mode: self.mode, now: self.clocks.now() }
    }

    /// The index itself.
    pub fn live(&self) -> &Arc<Live<Subject, Cut>> {
        &self.live
    }

    /// Cuts everything, for the proxy is stopping.
    pub fn drain(&self) -> usize {
        self.live.sweep(|_| Some(Cut::Drained))
    }

    /// Cuts what may not be any longer; how many there were.
    pub(crate) fn sweep(&self, standard: &Standard) -> usize {
        if sabotage::skips_sweeps() { 0 } else { self.live.sweep(|subject| standard.judge(subject)) }
    }

    /// Cuts that whose certificate has ended: a comparison for each, cheap enough for every second.
    pub(crate) fn sweep_ended(&self) -> usize {
        let now = self.clocks.now();
        self.live
            .sweep(|subject| subject.peer.as_ref().is_some_and(|peer| now > peer.not_after()).then_some(Cut::Expired))
    }

    /// Waits until the index holds nothing that may not be, judged by what is known at the moment of each look: what a
    /// later change has allowed again, and opened since, must not keep this waiting.
    pub(crate) async fn until_clean(&self) {
        let look = || {
            let standard = self.standard();
            move |subject: &Subject| standard.judge(subject).is_some()
        };
        self.live.until_none(look).await;
    }
}

impl Standard {
    /// Whether the CA has been silent for longer than the level of this workload allows.
    pub fn is_stale(&self) -> bool {
        let policy = self.knowledge.policy.as_ref();
        self.own.as_ref().zip(policy).is_some_and(|(own, policy)| stale(policy, own, self.staleness))
    }

    /// Whether this workload has no certificate, or one that has ended.
    pub(crate) fn own_has_ended(&self) -> bool {
        self.own.as_ref().is_none_or(|own| self.now > own.leaf.not_after)
    }

    /// What the mode comes to; none while nobody is known to have it, or no policy to be kept.
    pub fn standing(&self) -> Option<Standing> {
        let (own, policy) = self.own.as_ref().zip(self.knowledge.policy.as_ref())?;
        Some(self.mode.standing(own.label(), policy, self.now))
    }

    /// When the next rule of the policy ends, or the mode: what they let pass must be judged again then.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        let document = self.knowledge.policy.as_ref()?.document();
        let rules = document.rules.iter().map(|rule| &rule.expires);
        let texts = rules.chain(document.egress.iter().map(|rule| &rule.expires)).flatten();
        let ends = texts.filter_map(|text| text.parse().ok()).filter(|end| *end > self.now);
        ends.chain(self.mode.ends_after(self.now)).min()
    }

    /// Why this must be cut, if it must.
    pub fn judge(&self, subject: &Subject) -> Option<Cut> {
        match &self.own {
            Some(own) => judge(subject, own, &self.knowledge, self.mode, self.staleness, self.now),
            None => Some(Cut::NoIdentity),
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_identity as identity;

    use super::*;
    use crate::subject::Kind;
    use crate::testing::ca::node_cutoff;
    use crate::testing::certificates::Mesh;
    use crate::testing::clock::TestClocks;
    use crate::testing::{knowledge, own, peer, policy, svid};

    struct Case {
        mesh: Mesh,
        truth: Arc<Truth>,
        clocks: Arc<TestClocks>,
        own: watch::Sender<Option<Arc<Own>>>,
        registry: Registry,
    }

    impl Case {
        fn new() -> Self {
            let (mesh, truth, clocks) = (Mesh::new(), Truth::new(), TestClocks::new());
            truth.store(knowledge(&mesh, &policy("{}")));
            let (own, owns) = watch::channel(Some(own(&svid(&mesh, &mesh.workload("web", "n1", "internal"), 1))));
            let registry = Registry::new(Arc::clone(&truth), owns, clocks.clone());
            Self { mesh, truth, clocks, own, registry }
        }

        fn subject(&self) -> Subject {
            let peer = peer(&self.mesh, &self.mesh.workload("db", "n2", "internal"));
            Subject { peer: Some(peer), kind: Kind::Inbound { port: 5432 } }
        }

        /// What a revocation does: it publishes, then sweeps.
        fn revocation(&self) -> impl FnOnce() + Send + 'static {
            let (truth, registry) = (Arc::clone(&self.truth), self.registry.clone());
            move || {
                let mut knowledge = truth.load().as_ref().clone();
                let mut verify: identity::Truth = knowledge.verify.as_ref().clone();
                verify.cutoffs.insert(node_cutoff("n2"));
                knowledge.verify = Arc::new(verify);
                truth.store(knowledge);
                registry.sweep(&registry.standard());
            }
        }
    }

    #[tokio::test]
    async fn what_may_be_is_let_in_and_what_may_not_is_not() {
        let case = Case::new();
        let (seat, _) = case.registry.enter(case.subject()).unwrap();
        assert_eq!((seat.is_cut(), case.registry.live().len()), (None, 1));
        case.revocation()();
        assert_eq!(seat.is_cut().map(|cut| cut.as_str()), Some("revoked"));
        assert_eq!(case.registry.enter(case.subject()).unwrap_err().as_str(), "revoked");
        assert_eq!(case.registry.live().len(), 1, "who is refused leaves no seat behind");
    }

    /// The clock is read when all else is known, and here that look is when the revocation happens: after the truth was
    /// read, and before who had decided first would enter.
    #[tokio::test]
    async fn a_revocation_between_entering_and_deciding_is_not_missed() {
        let case = Case::new();
        let subject = case.subject();
        case.clocks.at_the_next_look(case.revocation());
        match case.registry.enter(subject) {
            Err(cut) => assert_eq!(cut.as_str(), "revoked"),
            Ok((seat, _)) => assert_eq!(seat.is_cut().map(|cut| cut.as_str()), Some("revoked")),
        }
    }

    #[tokio::test]
    async fn without_a_certificate_nothing_passes() {
        let case = Case::new();
        let (seat, _) = case.registry.enter(case.subject()).unwrap();
        case.own.send_replace(None);
        assert_eq!(case.registry.enter(case.subject()).unwrap_err(), Cut::NoIdentity);
        assert_eq!(case.registry.sweep(&case.registry.standard()), 1);
        assert_eq!(seat.is_cut(), Some(Cut::NoIdentity));
    }

    #[tokio::test]
    async fn a_drain_cuts_everything() {
        let case = Case::new();
        let (seat, _) = case.registry.enter(case.subject()).unwrap();
        assert_eq!((case.registry.drain(), seat.is_cut()), (1, Some(Cut::Drained)));
    }

    #[tokio::test]
    async fn the_end_of_the_next_rule_or_of_the_mode_is_known() {
        let case = Case::new();
        let rule = |name: &str, expires: &str| {
            format!(r#"{{"name": "{name}", "expires": "{expires}", "allow": {{"from": "any", "to": "any"}}}}"#)
        };
        let (past, later) = (rule("a", "2020-01-01T00:00:00Z"), rule("b", "2027-01-02T00:00:00Z"));
        let sooner = rule("c", "2027-01-01T00:00:00Z");
        case.truth.store(knowledge(&case.mesh, &policy(&format!(r#"{{"rules": [{past}, {later}, {sooner}]}}"#))));
        let end = Some("2027-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(case.registry.standard().next_end(), end);
        let until = |text: &str| case.registry.clone().in_mode(Mode::Permissive { until: text.parse().unwrap() });
        for over_or_later in ["2020-01-01T00:00:00Z", "2027-01-03T00:00:00Z"] {
            assert_eq!(until(over_or_later).standard().next_end(), end, "{over_or_later}");
        }
        let sooner = "2026-12-31T00:00:00Z";
        assert_eq!(until(sooner).standard().next_end(), Some(sooner.parse().unwrap()));
    }
}
