//! How old the truth is, and the earliest time that may be believed.

use std::time::Duration;

use bulkhead_mesh::Timestamp;

use crate::feed::Moment;

/// When it was last known that nothing is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staleness {
    /// On the clock that never jumps.
    since: Duration,
    /// How stale it was already then: what was read from a disk has an age.
    already: Duration,
}

impl Staleness {
    /// What was held when the CA's clock showed `heard`, and has lain on a disk since.
    pub(super) fn of_stored(heard: Timestamp, now: Moment) -> Self {
        Self { since: now.boot, already: now.wall.since(heard) }
    }

    /// Nothing is missing at this moment.
    pub(super) fn at(now: Moment) -> Self {
        Self { since: now.boot, already: Duration::ZERO }
    }

    pub(super) fn age(self, now: Moment) -> Duration {
        self.already.saturating_add(now.boot.saturating_sub(self.since))
    }

    pub(super) fn reaches(self, age: Duration) -> Duration {
        self.since.saturating_add(age.saturating_sub(self.already))
    }
}

/// The lower bound of the time that may be believed: the CA's word, carried on by the clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    heard: Timestamp,
    at: Duration,
}

impl Floor {
    pub(super) fn new(heard: Timestamp, now: Moment) -> Self {
        Self { heard, at: now.boot }
    }

    /// The machine's time, or the floor where that is later: setting a clock back revives no certificate.
    pub(super) fn believe(self, now: Moment) -> Timestamp {
        now.wall.max(self.heard.plus(now.boot.saturating_sub(self.at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: u64, boot: u64) -> Moment {
        Moment { wall: Timestamp::from_secs(wall), boot: Duration::from_secs(boot) }
    }

    #[test]
    fn what_lay_on_a_disk_is_as_old_as_it_is() {
        let stale = Staleness::of_stored(Timestamp::from_secs(100), moment(160, 5));
        assert_eq!(stale.age(moment(0, 15)), Duration::from_secs(70));
        assert_eq!(stale.reaches(Duration::from_secs(90)), Duration::from_secs(35));
        assert_eq!(stale.reaches(Duration::from_secs(30)), Duration::from_secs(5), "that was before this start");
        assert_eq!(Staleness::at(moment(160, 5)).age(moment(0, 15)), Duration::from_secs(10));
    }

    #[test]
    fn a_clock_that_is_set_back_is_not_believed() {
        let floor = Floor::new(Timestamp::from_secs(1000), moment(1000, 5));
        assert_eq!(floor.believe(moment(1003, 8)), Timestamp::from_secs(1003));
        assert_eq!(floor.believe(moment(400, 8)), Timestamp::from_secs(1003));
        assert_eq!(floor.believe(moment(5000, 8)), Timestamp::from_secs(5000));
    }
}
