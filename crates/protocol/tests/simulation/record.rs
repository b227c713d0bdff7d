//! What really happened: everything that the CA ever signed, against which the watchers are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Policy, Resolution, SpkiDigest, Subject};
use bulkhead_protocol::feed::{Position, Statement};

#[derive(Default)]
pub struct Record {
    facts: BTreeMap<Position, Statement>,
    cut_off: BTreeSet<Subject>,
    /// What was ever said about an address, and where in its own history: incarnation and version.
    addresses: BTreeMap<IpAddr, BTreeMap<(u64, u64), Resolution>>,
}

impl Record {
    pub fn note(&mut self, position: Position, statement: &Statement) {
        self.cut_off.extend(cutoff(statement).map(|cutoff| cutoff.subject.clone()));
        let before = self.facts.insert(position, statement.clone());
        assert!(before.is_none(), "the simulated CA has signed {position} twice");
    }

    pub fn note_address(&mut self, address: IpAddr, incarnation: u64, version: u64, resolution: &Resolution) {
        let said = self.addresses.entry(address).or_default();
        let before = said.insert((incarnation, version), resolution.clone());
        assert!(before.is_none_or(|before| before == *resolution), "one version of {address} has two meanings");
    }

    pub fn address(&self, address: IpAddr, incarnation: u64, version: u64) -> &Resolution {
        let said = self.addresses.get(&address).and_then(|said| said.get(&(incarnation, version)));
        said.unwrap_or_else(|| panic!("the CA never said version {version} of {address} in history {incarnation}"))
    }

    pub fn fact(&self, position: Position) -> &Statement {
        self.facts.get(&position).unwrap_or_else(|| panic!("the CA never signed a fact at {position}"))
    }

    /// The policy in force at a position.
    pub fn policy_at(&self, position: Position) -> Option<Arc<Policy>> {
        self.past(position).rev().find_map(|statement| match statement {
            Statement::Policy(policy) => Some(Arc::clone(policy)),
            _ => None,
        })
    }

    /// The issuers in force at a position.
    pub fn issuers_at(&self, position: Position) -> Option<Arc<BTreeSet<SpkiDigest>>> {
        self.past(position).rev().find_map(|statement| match statement {
            Statement::Issuers(issuers) => Some(Arc::clone(issuers)),
            _ => None,
        })
    }

    /// Every cutoff that was said up to a position in its history.
    pub fn cutoffs_at(&self, position: Position) -> Vec<Cutoff> {
        self.past(position).filter_map(cutoff).cloned().collect()
    }

    /// Whether the CA ever said this of this subject.
    pub fn ever_cut_off(&self, subject: &Subject) -> bool {
        self.cut_off.contains(subject)
    }

    fn past(&self, position: Position) -> impl DoubleEndedIterator<Item = &Statement> {
        self.facts.range(Position::start(position.incarnation)..=position).map(|(_, statement)| statement)
    }
}

fn cutoff(statement: &Statement) -> Option<&Cutoff> {
    match statement {
        Statement::Cutoff(cutoff) => Some(cutoff),
        _ => None,
    }
}
