//! The processor time of a process.

use std::time::Duration;

use nix::errno::Errno;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::ClockError;
use super::status::Status;

/// What one process has spent: user and system time together, of all its threads, those that have ended too, but not of
/// its children.
///
/// It is the kernel's own account in nanoseconds (clock_getcpuclockid(3)), not the fields of `/proc/<pid>/stat`, which
/// count ticks of 10 ms. User and system time are not told apart, for the kernel knows their sum exactly and their
/// split only by samples.
///
/// The clock holds the id, not the process. An id may be given to another process once the first is gone and its parent
/// has noticed, so a reading is only worth as much as the caller's certainty that this process still stands.
#[derive(Clone, Copy, Debug)]
pub struct ProcessorClock {
    pid: u32,
    clock: ClockId,
}

impl ProcessorClock {
    /// The clock of the process `pid`.
    ///
    /// Whether it exists is asked first, for glibc makes the clock's id by shifting the process's: a number too high
    /// for any process would be the clock of another, and 0 is the caller's.
    pub fn of(pid: u32) -> Result<Self, ClockError> {
        Status::of(pid)?;
        let number = i32::try_from(pid).map_err(|_| ClockError::Gone { pid })?;
        let clock = clock_getcpuclockid(Pid::from_raw(number)).map_err(|errno| failed(pid, errno))?;
        Ok(Self { pid, clock })
    }

    /// The clock of this process.
    pub fn own() -> Self {
        Self { pid: std::process::id(), clock: ClockId::CLOCK_PROCESS_CPUTIME_ID }
    }

    /// What the process has spent since it started.
    ///
    /// The clock of a zombie can be read: it stands still. But the figure of a proxy that died under its load would
    /// look like that of a thrifty one, so it is an error. The state is read after the time: who runs then, ran before.
    pub fn spent(&self) -> Result<Duration, ClockError> {
        let spent = self.clock.now().map_err(|errno| failed(self.pid, errno))?;
        if Status::of(self.pid)?.ended {
            return Err(ClockError::Ended { pid: self.pid });
        }
        Ok(spent.into())
    }
}

/// Nobody has that id: glibc says ESRCH where it looks, the kernel says EINVAL of a clock whose process is gone.
fn failed(pid: u32, errno: Errno) -> ClockError {
    match errno {
        Errno::ESRCH | Errno::EINVAL => ClockError::Gone { pid },
        other => ClockError::Clock { pid, source: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_process_is_refused_in_words() {
        for pid in [0, 1 << 29, i32::MAX.cast_unsigned(), 1 << 31, u32::MAX] {
            let error = ProcessorClock::of(pid).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no process {pid}: it has ended, or never was"));
        }
    }

    #[test]
    fn a_clock_never_goes_back() {
        for clock in [ProcessorClock::own(), ProcessorClock::of(std::process::id()).unwrap()] {
            let readings: Vec<Duration> = (0..100).map(|_| clock.spent().unwrap()).collect();
            assert!(readings.is_sorted(), "{readings:?}");
        }
    }
}
