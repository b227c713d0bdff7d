//! What the unit tests of several modules share: a mesh of certificates, a clock that a test moves, a CA in memory.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

pub(crate) mod ca;
pub(crate) mod certificates;
pub(crate) mod clock;

use std::sync::Arc;

use bulkhead_identity::{self as identity, AcceptedIssuers, Demand, Limits, VerifiedPeer, Verifier};
use bulkhead_mesh::{CutoffSet, Levels, Policy};

use crate::identity_source::{Own, Svid};
use crate::truth::Knowledge;
use certificates::{Mesh, NOW, Shown};

/// The policy that this JSON says.
pub(crate) fn policy(json: &str) -> Arc<Policy> {
    Arc::new(serde_json::from_str(json).unwrap())
}

/// A mesh with this policy, of which everything is known.
pub(crate) fn knowledge(mesh: &Mesh, policy: &Arc<Policy>) -> Knowledge {
    let issuers = AcceptedIssuers::from_iter([mesh.issuing.digest(), mesh.control.digest()]);
    let verify = identity::Truth { levels: policy.levels().clone(), issuers, cutoffs: CutoffSet::default() };
    Knowledge { policy: Some(Arc::clone(policy)), verify: Arc::new(verify), position: None }
}

/// The workload that shows this, as a verified peer.
pub(crate) fn peer(mesh: &Mesh, shown: &Shown) -> Arc<VerifiedPeer> {
    let truth = knowledge(mesh, &policy("{}")).verify;
    let (demand, limits) = (Demand::workload(), Limits::default());
    let verifier = Verifier { bundle: &mesh.bundle(), demand: &demand, truth: &truth, limits: &limits };
    Arc::new(verifier.verify(&shown.chain, NOW).unwrap())
}

/// A workload that holds this certificate.
pub(crate) fn svid(mesh: &Mesh, shown: &Shown, generation: u64) -> Arc<Svid> {
    Arc::new(Svid::new(shown.identity(), Arc::new(mesh.bundle())).unwrap().of_generation(generation))
}

/// The same in a mesh with the default levels.
pub(crate) fn own(svid: &Svid) -> Arc<Own> {
    Arc::new(Own::new(svid, &Levels::default()).unwrap())
}
