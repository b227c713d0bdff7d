//! How long the processors worked, idled, and were taken away.

use std::num::NonZeroU32;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use crate::clocks::ClockError;
use crate::clocks::file::File;

/// One reading of the first line of `/proc/stat`: the time of all processors together since the start of the machine.
///
/// It counts ticks of (as a rule) 10 ms, and some kernels charge a whole tick to whoever runs when it falls. So over a
/// second or two it is good to a few percent; the clock of a process is far finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    worked: Duration,
    idled: Duration,
    stolen: Duration,
}

/// What the processors did between two readings, summed over all of them: two processors spend two seconds a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Not idle: work (guests and interrupts included) and `steal` together. Waiting for a disk is idling.
    pub busy: Duration,
    /// Of that, the time in which a processor had work, but the host of this virtual machine ran something else.
    pub steal: Duration,
    /// Busy and idle.
    pub total: Duration,
}

impl Busy {
    /// A reading now.
    pub fn now() -> Result<Self, ClockError> {
        let ticks_a_second = ticks_a_second()?;
        File::read("/proc/stat")?.parse(|text| parse(text, ticks_a_second), "how long the processors worked")
    }

    /// What was spent from `earlier` to this reading; nothing where a figure went back, as that of idling may.
    pub fn since(&self, earlier: &Self) -> Spent {
        let worked = self.worked.saturating_sub(earlier.worked);
        let idled = self.idled.saturating_sub(earlier.idled);
        let steal = self.stolen.saturating_sub(earlier.stolen);
        let busy = worked.saturating_add(steal);
        Spent { busy, steal, total: busy.saturating_add(idled) }
    }
}

/// Reads `cpu  <user> <nice> <system> <idle> <iowait> <irq> <softirq> <steal> <guest> <guest nice>` in ticks. The two
/// last are left out: the kernel has counted them as user and nice already.
fn parse(text: &str, ticks_a_second: NonZeroU32) -> Option<Busy> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let mut ticks = line.split_ascii_whitespace().map(|field| field.parse::<u64>().ok());
    let mut next = || ticks.next()?.map(|ticks| duration(ticks, ticks_a_second));
    let (user, nice, system, idle, waiting) = (next()?, next()?, next()?, next()?, next()?);
    let (interrupts, soft_interrupts, stolen) = (next()?, next()?, next()?);
    Some(Busy { worked: sum(&[user, nice, system, interrupts, soft_interrupts]), idled: sum(&[idle, waiting]), stolen })
}

/// The sum, or the longest duration there is.
fn sum(parts: &[Duration]) -> Duration {
    parts.iter().fold(Duration::ZERO, |sum, part| sum.saturating_add(*part))
}

/// So many ticks as time, to the nanosecond. Nothing overflows: the remainder is below 2^32, times 10^9 below 2^62.
fn duration(ticks: u64, ticks_a_second: NonZeroU32) -> Duration {
    let a_second = u64::from(ticks_a_second.get());
    Duration::from_secs(ticks / a_second) + Duration::from_nanos(ticks % a_second * 1_000_000_000 / a_second)
}

/// The unit of `/proc/stat`; 100 wherever Linux runs today, but it is the kernel's to say.
fn ticks_a_second() -> Result<NonZeroU32, ClockError> {
    let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u32::try_from(ticks).ok());
    ticks.and_then(NonZeroU32::new).ok_or(ClockError::Unknown { what: "how many ticks a second has" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();

    fn ticks(ticks: u64) -> Duration {
        Duration::from_millis(ticks * 10)
    }

    #[test]
    fn the_line_of_all_processors_is_read() {
        let check = |text, expected: Option<(u64, u64, u64)>| {
            let expected = expected.map(|(worked, idled, stolen)| (ticks(worked), ticks(idled), ticks(stolen)));
            let found = parse(text, HUNDRED).map(|busy| (busy.worked, busy.idled, busy.stolen));
            assert_eq!(found, expected, "{text:?}");
        };
        check(STAT, Some((1_572_866, 730_243, 15_845)));
        check("cpu  1 2 4 8 16 32 64 128 1 2\n", Some((1 + 2 + 4 + 32 + 64, 8 + 16, 128)));
        check("cpu  1 2 4 8 16 32 64 128\n", Some((103, 24, 128)));
        check("cpu  1 2 4 8 16 32 64\n", None);
        check("cpu0 1 2 4 8 16 32 64 128 1 2\n", None);
        check("cpu  1 2 4 8 16 32 64 -1 0 0\n", None);
        check("", None);
    }

    #[test]
    fn a_difference_is_of_every_part() {
        let reading = |text| parse(text, HUNDRED).unwrap();
        let check = |earlier, later, busy, steal, total| {
            let spent = reading(later).since(&reading(earlier));
            assert_eq!(spent, Spent { busy: ticks(busy), steal: ticks(steal), total: ticks(total) });
        };
        check("cpu  10 0 10 100 0 0 0 5 0 0", "cpu  60 0 40 210 5 0 0 10 0 0", 85, 5, 200);
        check("cpu  10 0 10 100 0 0 0 5 0 0", "cpu  10 0 10 100 0 0 0 5 0 0", 0, 0, 0);
        check("cpu  10 0 10 100 9 0 0 5 0 0", "cpu  20 0 10 100 2 0 0 5 0 0", 10, 0, 10);
    }

    #[test]
    fn ticks_become_nanoseconds_without_overflow() {
        let check = |count, rate, expected| assert_eq!(duration(count, NonZeroU32::new(rate).unwrap()), expected);
        check(0, 100, Duration::ZERO);
        check(1, 1024, Duration::from_nanos(976_562));
        check(250, 100, Duration::from_millis(2500));
        check(u64::MAX, 1, Duration::from_secs(u64::MAX));
        check(u64::from(u32::MAX) - 1, u32::MAX, Duration::from_nanos(999_999_999));
    }

    #[test]
    fn this_machine_is_never_busier_than_there_is_time() {
        let (earlier, later) = (Busy::now().unwrap(), Busy::now().unwrap());
        let spent = later.since(&earlier);
        assert!(spent.steal <= spent.busy && spent.busy <= spent.total, "{spent:?}");
        assert!(!earlier.worked.is_zero(), "{earlier:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|cpu ( [0-9]{0,20}){0,12}", ticks_a_second: NonZeroU32) {
            if let Some(busy) = parse(&text, ticks_a_second) {
                let _ = busy.since(&Busy { worked: Duration::ZERO, idled: Duration::MAX, stolen: Duration::ZERO });
            }
        }
    }

    /// As Linux 6.18 writes it; the line of interrupts is longer.
    const STAT: &str = "\
cpu  1135265 164899 266257 715827 14416 0 6445 15845 0 0
cpu0 561633 77947 127044 377346 4786 0 2645 7923 0 0
cpu1 573632 86951 139213 338481 9629 0 3800 7922 0 0
intr 11162361 0 0 0 0 0
ctxt 18121807
btime 1795541769
processes 713144
procs_running 6
procs_blocked 0
softirq 13717871 0 969736 24989 5626800 1626115 0 1738 864834 788485 3815174
";
}
