//! The time left: what is still planned, at the pace that was measured so far. Pure.

/// How much was planned and how much of that is done.
pub(super) struct Estimate {
    planned: f64,
    done: f64,
}

impl Estimate {
    /// Nothing of so many seconds is done.
    pub(super) const fn new(planned: f64) -> Self {
        Self { planned, done: 0.0 }
    }

    /// So many of the planned seconds are done, however long they took.
    pub(super) fn done(&mut self, planned: f64) {
        self.done = (self.done + planned).min(self.planned);
    }

    /// The planned seconds that are done.
    pub(super) const fn planned_done(&self) -> f64 {
        self.done
    }

    /// Seconds left, when so many have passed since the beginning.
    pub(super) fn left(&self, elapsed: f64) -> f64 {
        // The plan's own pace counts as if it had been measured for a while, so that the first runs do not decide.
        let pace = (elapsed + TRUST) / (self.done + TRUST);
        (self.planned - self.done) * pace
    }
}

/// For how many seconds of measured pace the plan is believed.
const TRUST: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace() {
        //     planned  done   elapsed  left
        check(600.0, 0.0, 0.0, 600.0);
        check(600.0, 300.0, 300.0, 300.0);
        check(600.0, 270.0, 570.0, 660.0); // twice as slow as planned: 600 / 300
        check(600.0, 600.0, 900.0, 0.0);
        check(600.0, 900.0, 900.0, 0.0); // more than was planned
    }

    fn check(planned: f64, done: f64, elapsed: f64, left: f64) {
        let mut estimate = Estimate::new(planned);
        estimate.done(done);
        let found = estimate.left(elapsed);
        assert!((found - left).abs() < 1e-9, "{found} instead of {left}");
    }
}
