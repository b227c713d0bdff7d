//! The clocks at one end of the measured time.

use std::time::{Duration, Instant};

use crate::clocks::machine::Busy;
use crate::clocks::{ClockError, ProcessorClock};

/// The clocks that are read.
#[derive(Debug)]
pub(super) struct Clocks {
    watched: Vec<ProcessorClock>,
    own: ProcessorClock,
}

/// What they showed.
#[derive(Debug)]
pub(super) struct Reading {
    at: Instant,
    watched: Vec<Duration>,
    own: Duration,
    machine: Busy,
}

/// The seconds between two readings.
#[derive(Debug)]
pub(super) struct Spent {
    pub(super) seconds: f64,
    pub(super) watched: Vec<f64>,
    pub(super) own: f64,
    pub(super) machine: f64,
    pub(super) steal: f64,
}

impl Clocks {
    pub(super) fn of(processes: &[u32]) -> Result<Self, ClockError> {
        let watched = processes.iter().map(|&process| ProcessorClock::of(process)).collect::<Result<_, _>>()?;
        Ok(Self { watched, own: ProcessorClock::own() })
    }

    pub(super) fn read(&self) -> Result<Reading, ClockError> {
        Ok(Reading {
            at: Instant::now(),
            watched: self.watched.iter().map(ProcessorClock::spent).collect::<Result<_, _>>()?,
            own: self.own.spent()?,
            machine: Busy::now()?,
        })
    }
}

impl Reading {
    pub(super) fn since(&self, earlier: &Self) -> Spent {
        let seconds = |now: &Duration, before: &Duration| now.saturating_sub(*before).as_secs_f64();
        let machine = self.machine.since(&earlier.machine);
        Spent {
            seconds: self.at.duration_since(earlier.at).as_secs_f64(),
            watched: self.watched.iter().zip(&earlier.watched).map(|(now, before)| seconds(now, before)).collect(),
            own: seconds(&self.own, &earlier.own),
            machine: machine.busy.as_secs_f64(),
            steal: machine.steal.as_secs_f64(),
        }
    }
}
