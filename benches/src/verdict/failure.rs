//! When failed runs make a row an error instead of a figure.
//!
//! - One run whose capture does not show what the arm promises (all captured, encrypted; a relay: all captured) takes the
//!   arm's figures of that row, however many other runs were in order: what was measured may not be what its name says.
//! - Any other failed run leaves the figures standing if [`enough`] others remain, and is told beside them: runs that
//!   form a pair with Bulkhead where the row compares, else runs that were measured.
//! - Fewer than [`FEWEST`] runs are never shown as a figure, even if none failed.

use crate::arm::Protection;
use crate::result::{Outcome, Proof, Run};

/// So few runs are shown at least; with fewer there is no interval.
pub const FEWEST: usize = 3;

/// Whether what is left of so many rounds may be shown: at least [`FEWEST`], and more than half. Where an arm works less
/// often than it fails, the rounds in which it did work are not a fair choice of all.
pub const fn enough(left: usize, rounds: usize) -> bool {
    left >= FEWEST && left > rounds / 2
}

/// The failed runs of an arm in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures<'a> {
    /// How many failed.
    pub failed: usize,
    /// How many there were.
    pub of: usize,
    /// What the weightiest said: the first without proof, else the first.
    pub first: &'a str,
    /// Whether the wire of one of them did not show what the arm promises.
    pub unproven: bool,
}

impl Failures<'_> {
    /// `2 of 15 runs failed: the server's proxy refused`.
    pub fn sentence(&self) -> String {
        let runs = if self.of == 1 { "run" } else { "runs" };
        format!("{} of {} {runs} failed: {}", self.failed, self.of, self.first.trim_end().trim_end_matches('.'))
    }
}

/// The failures among an arm's runs, none if none failed.
pub fn of<'a>(runs: &[&'a Run], promised: Protection) -> Option<Failures<'a>> {
    let failed: Vec<_> = runs.iter().filter_map(|run| Some((failure(run)?, is_unproven(run, promised)))).collect();
    let weightiest = failed.iter().find(|(_, unproven)| *unproven).or(failed.first())?;
    Some(Failures { failed: failed.len(), of: runs.len(), first: weightiest.0, unproven: weightiest.1 })
}

fn failure(run: &Run) -> Option<&str> {
    match &run.outcome {
        Outcome::Failed(sentence) => Some(sentence),
        Outcome::Measured(_) => None,
    }
}

fn is_unproven(run: &Run, promised: Protection) -> bool {
    run.proof.as_ref().is_some_and(|proof| !shows(proof, promised))
}

fn shows(proof: &Proof, promised: Protection) -> bool {
    match promised {
        Protection::None => proof.captured == 0 && proof.legible,
        Protection::Relayed => is_captured(proof) && proof.legible,
        Protection::MutualTls => is_captured(proof) && is_encrypted(proof),
    }
}

/// Whether everything went through the proxies.
fn is_captured(proof: &Proof) -> bool {
    proof.packets > 0 && proof.captured == proof.packets
}

fn is_encrypted(proof: &Proof) -> bool {
    !proof.legible && proof.tls_records > 0 && proof.begun_without_tls == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::ArmName;

    fn failed(sentence: &str, proof: Option<Proof>) -> Run {
        let outcome = Outcome::Failed(sentence.into());
        Run { arm: ArmName("nginx".into()), round: 0, place: 0, at: 0.0, proof, outcome }
    }

    fn proof(captured: usize, legible: bool, tls_records: usize) -> Proof {
        Proof { packets: 200, captured, legible, tls_records, begun_without_tls: 0 }
    }

    #[test]
    fn what_the_wire_must_show_depends_on_what_the_arm_promises() {
        use Protection::{MutualTls, None, Relayed};
        for (promised, seen, expected) in [
            (MutualTls, proof(200, false, 40), true),
            (MutualTls, proof(200, true, 40), false),
            (MutualTls, proof(0, false, 40), false),
            (MutualTls, proof(199, false, 40), false),
            (MutualTls, Proof { begun_without_tls: 1, ..proof(200, false, 40) }, false),
            (MutualTls, proof(200, false, 0), false),
            (MutualTls, proof(0, false, 0), false),
            (Relayed, proof(200, true, 0), true),
            (Relayed, proof(0, true, 0), false),
            (Relayed, proof(199, true, 0), false),
            (None, proof(0, true, 0), true),
            (None, proof(200, true, 0), false),
        ] {
            assert_eq!(shows(&seen, promised), expected, "{promised:?} {seen:?}");
        }
    }

    #[test]
    fn three_rounds_and_more_than_half_are_enough() {
        for (left, rounds, expected) in [
            (2, 3, false),
            (3, 3, true),
            (3, 5, true),
            (3, 6, false),
            (4, 6, true),
            (3, 15, false),
            (7, 15, false),
            (8, 15, true),
            (0, 0, false),
        ] {
            assert_eq!(enough(left, rounds), expected, "{left} of {rounds}");
        }
    }

    #[test]
    fn a_run_without_proof_outweighs_the_first_failure() {
        let runs = [
            failed("connection refused.", None),
            failed("the text was legible", Some(proof(200, true, 3))),
            failed("a timeout", Some(proof(200, false, 30))),
        ];
        let found = of(&runs.iter().collect::<Vec<_>>(), Protection::MutualTls).unwrap();
        assert_eq!(found, Failures { failed: 3, of: 3, first: "the text was legible", unproven: true });
    }

    #[test]
    fn a_failure_is_told_with_how_many_of_how_many() {
        let runs = [failed("connection refused.", None)];
        let found = of(&runs.iter().collect::<Vec<_>>(), Protection::MutualTls).unwrap();
        assert!(!found.unproven);
        assert_eq!(found.sentence(), "1 of 1 run failed: connection refused");
    }
}
