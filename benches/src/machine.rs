//! What the machine is, and what on it would spoil the figures: said before the first run, and in the result.

mod room;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_measure::clocks::machine::{Busy, Description, load_average};

use crate::arms::pods::PINNED;
use crate::result::Machine;

pub use room::Room;

/// The machine before the first run.
pub struct Preflight {
    /// As the result tells it; its congestion control is not known before there are pods, its steal not before
    /// the end.
    pub machine: Machine,
    /// What a reader must know, in sentences.
    pub warnings: Vec<String>,
    /// How many connections a program can hold.
    pub room: Room,
    since: Busy,
}

impl Preflight {
    /// Looks at the machine for a second, and makes room for so many idle connections.
    pub fn look(idle_connections: u32) -> Result<Self> {
        let description = Description::of_this_machine()?;
        let (room, load, first) = (Room::make(idle_connections)?, load_average()?, Busy::now()?);
        thread::sleep(LOOK);
        let state = State {
            cores: description.cores,
            load,
            steal: share_of_steal(&first)?,
            has_cubic: has_cubic()?,
            room,
            idle_connections,
        };
        Ok(Self { machine: machine(description, load), warnings: state.warnings(), room, since: first })
    }

    /// The share of the processors' time that the host took away since the first look, and what must be said of it.
    pub fn steal_since(&self) -> Result<(f64, Option<String>)> {
        let steal = share_of_steal(&self.since)?;
        Ok((steal, steal_warning(steal, "while the bench ran")))
    }
}

/// What decides whether figures can be trusted.
struct State {
    cores: u32,
    load: f64,
    steal: f64,
    has_cubic: bool,
    room: Room,
    idle_connections: u32,
}

impl State {
    fn warnings(&self) -> Vec<String> {
        let Self { cores, load, room, idle_connections, .. } = self;
        let busy = (*load > f64::from(*cores))
            .then(|| format!("the machine is busy: its load was {load:.1} on {cores} cores before the first run"));
        let without_cubic = (!self.has_cubic)
            .then(|| "this kernel has no congestion control `cubic`: figures of bulk are of another one".to_owned());
        let few = room.warning(*idle_connections);
        let steal = steal_warning(self.steal, "in the second before the first run");
        [busy, steal, without_cubic, few].into_iter().flatten().collect()
    }
}

fn steal_warning(steal: f64, when: &str) -> Option<String> {
    (steal > MOST_STEAL)
        .then(|| format!("the host of this machine took {:.1} % of the processors' time away {when}", steal * 100.0))
}

fn share_of_steal(since: &Busy) -> Result<f64> {
    let spent = Busy::now()?.since(since);
    Ok(if spent.total.is_zero() { 0.0 } else { spent.steal.as_secs_f64() / spent.total.as_secs_f64() })
}

fn has_cubic() -> Result<bool> {
    let available = fs::read_to_string(AVAILABLE).with_context(|| format!("cannot read {AVAILABLE}"))?;
    Ok(available.split_whitespace().any(|name| name == PINNED))
}

fn machine(description: Description, load: f64) -> Machine {
    Machine {
        kernel: description.kernel,
        processor: description.processor,
        cores: description.cores,
        memory: description.memory,
        congestion_control: NOT_SEEN.to_owned(),
        load_before: load,
        steal: 0.0,
    }
}

const LOOK: Duration = Duration::from_secs(1);
const MOST_STEAL: f64 = 0.02;
const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
/// Until there are pods to ask.
const NOT_SEEN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_spoil_the_figures_is_said() {
        check(&calm(), &[]);
        check(
            &State { load: 2.1, ..calm() },
            &["the machine is busy: its load was 2.1 on 2 cores before the first run"],
        );
        let stolen =
            "the host of this machine took 2.5 % of the processors' time away in the second before the first run";
        check(&State { steal: 0.025, ..calm() }, &[stolen]);
        let other = "this kernel has no congestion control `cubic`: figures of bulk are of another one";
        check(&State { has_cubic: false, ..calm() }, &[other]);
    }

    fn check(state: &State, expected: &[&str]) {
        assert_eq!(state.warnings(), expected);
    }

    #[test]
    fn the_limits_themselves_are_no_reason_to_warn() {
        check(&State { load: 2.0, steal: 0.02, ..calm() }, &[]);
    }

    fn calm() -> State {
        let (room, idle_connections) = (Room::of(65_536), 10_000);
        State { cores: 2, load: 0.3, steal: 0.001, has_cubic: true, room, idle_connections }
    }
}
