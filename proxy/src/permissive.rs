//! Saying aloud that a workload lets parties without a certificate pass for a while: at the start, at every change, and
//! every hour while it is so.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::Stop;
use bulkhead_mesh::{Mode, Standing};
use tokio::time::Instant;

use crate::sidecar::Sidecar;

/// Says it until stopped. There is nothing to say of a workload that is strict by its own choice.
pub async fn say_aloud(sidecar: Arc<Sidecar>, stop: Stop) {
    let (mut beat, began) = (tokio::time::interval(EVERY), Instant::now());
    let mut voice = Voice::default();
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            _ = beat.tick() => {}
        }
        let standard = sidecar.registry.standard();
        let standing = standard.standing();
        if voice.must_speak(standing, began.elapsed()) {
            speak(standard.mode, standing);
        }
    }
}

/// When it is time to speak.
#[derive(Debug, Default)]
struct Voice {
    /// What was said last, and when.
    said: Option<(Option<Standing>, Duration)>,
}

impl Voice {
    /// Whether this is something new, or so bad that it is said again.
    fn must_speak(&mut self, standing: Option<Standing>, now: Duration) -> bool {
        let must = self.said.is_none_or(|(said, at)| {
            let again = standing.is_some_and(Standing::is_permissive) && now.saturating_sub(at) >= AGAIN;
            said != standing || again
        });
        if must {
            self.said = Some((standing, now));
        }
        must
    }
}

fn speak(mode: Mode, standing: Option<Standing>) {
    match standing {
        None => tracing::warn!(%mode, "PERMISSIVE was asked for; it counts once the policy and a certificate are here"),
        Some(Standing::Permissive { until }) => tracing::warn!(
            %until,
            hint = "give the parties without a certificate a sidecar, or write rules for them, and take `--permissive-until` away",
            "PERMISSIVE: who has no certificate reaches this workload in clear, and is reached by it, where no rule speaks of it"
        ),
        Some(Standing::Ended { at }) => tracing::warn!(%at, "permissive has ended: this workload is strict"),
        Some(Standing::HighestLevel) => tracing::error!(
            %mode,
            hint = "take `--permissive-until` away, or give the workload a lower level",
            "permissive is not for the highest level: this workload is strict"
        ),
        Some(Standing::UnknownLevel) => {
            tracing::error!(%mode, "permissive is not for a level that the mesh does not know: this workload is strict");
        }
        Some(Standing::Strict) => tracing::info!("this workload is strict"),
    }
}

/// Changes come with the policy, the label and the date, and one second after any of them is soon enough for a log.
const EVERY: Duration = Duration::from_secs(1);
/// Often enough that nobody who reads the log of a day can miss it.
const AGAIN: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use bulkhead_mesh::Timestamp;

    use super::*;

    #[test]
    fn it_is_said_at_once_at_every_change_and_every_hour_while_it_lasts() {
        let until = Timestamp::from_secs(1_800_000_000);
        let (permissive, ended) = (Some(Standing::Permissive { until }), Some(Standing::Ended { at: until }));
        let mut voice = Voice::default();
        let mut check = |standing, seconds, speaks: bool| {
            let spoke = voice.must_speak(standing, Duration::from_secs(seconds));
            assert_eq!(spoke, speaks, "{standing:?} after {seconds} s");
        };
        check(None, 0, true);
        check(None, 7200, false);
        check(permissive, 7201, true);
        check(permissive, 7202, false);
        check(permissive, 7201 + 3599, false);
        check(permissive, 7201 + 3600, true);
        check(permissive, 7201 + 3601, false);
        check(Some(Standing::HighestLevel), 10_803, true);
        check(permissive, 10_804, true);
        check(ended, 10_805, true);
        check(ended, 100_000, false);
    }
}
