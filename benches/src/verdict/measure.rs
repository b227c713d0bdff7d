//! What each measure is called, in what unit it is, which way is better, and how a sentence compares it.

use bulkhead_measure::statistics::Difference;

use crate::result::Measure;
use crate::verdict::number;

/// Which way a measure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better: time, memory.
    Less,
    /// More is better: throughput.
    More,
    /// It says how a run was, not how good.
    Neither,
}

/// How a sentence compares a measure: "`subject` 1.42 times `object` HAProxy's", or "... that with HAProxy".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparing {
    /// Begins the sentence, up to the verb.
    pub subject: &'static str,
    /// What is compared, up to the `of`; may be empty.
    pub object: &'static str,
    /// Whether it is of something that the other arm has (`HAProxy's`), or of the machine with it (`that with HAProxy`).
    pub owned: bool,
}

impl Measure {
    /// Its heading, without its unit, as it continues a sentence: `processor time of both proxies`.
    pub fn heading(self) -> &'static str {
        match self {
            Self::ProxySecondsPerGigabyte | Self::ProxyMicrosPerOperation => "processor time of both proxies",
            Self::MachineSecondsPerGigabyte | Self::MachineMicrosPerOperation => "processor time of the whole machine",
            Self::GigabytesPerSecond => "throughput",
            Self::OperationsPerSecond => "operations a second",
            Self::P50Micros => "median latency",
            Self::P99Micros => "99th percentile of latency",
            Self::P999Micros => "99.9th percentile of latency",
            Self::MegabytesAtRest => "memory of both proxies at rest",
            Self::MegabytesWith1000 => "memory of both proxies with 1,000 idle connections",
            Self::MegabytesWith10000 => "memory of both proxies with 10,000 idle connections",
            Self::KilobytesPerConnectionTo1000 => "memory of both proxies for each idle connection, up to 1,000",
            Self::KilobytesPerConnectionTo10000 => "memory of both proxies for each idle connection, 1,000 to 10,000",
            Self::MegabytesAfterBurst => "memory of both proxies after a burst",
            Self::MegabytesAfterRest => "memory of both proxies after a burst and a rest",
            Self::MillisToReady => "time from start to the first answer",
            Self::MillisToAcknowledgement => "time from commit to the last acknowledgement",
            Self::MillisToLastPayload => "time from commit to the last payload segment",
            Self::ProxiesExpected => "proxies expected to acknowledge",
            Self::ProxiesEnforced => "proxies that enforced it",
            Self::GeneratorBusy => "share of time in which the load generator was busy",
            Self::ApplicationBusy => "share of time in which the application was busy",
            Self::FailedOperations => "operations that failed",
        }
    }

    /// Its heading for a narrow column, at most 18 characters.
    pub fn short(self) -> &'static str {
        match self {
            Self::ProxySecondsPerGigabyte | Self::ProxyMicrosPerOperation => "CPU of proxies",
            Self::MachineSecondsPerGigabyte | Self::MachineMicrosPerOperation => "CPU of machine",
            Self::GigabytesPerSecond => "throughput",
            Self::OperationsPerSecond => "operations",
            Self::P50Micros => "latency p50",
            Self::P99Micros => "latency p99",
            Self::P999Micros => "latency p99.9",
            Self::MegabytesAtRest => "memory at rest",
            Self::MegabytesWith1000 => "with 1,000 idle",
            Self::MegabytesWith10000 => "with 10,000 idle",
            Self::KilobytesPerConnectionTo1000 => "per idle to 1,000",
            Self::KilobytesPerConnectionTo10000 => "per idle to 10,000",
            Self::MegabytesAfterBurst => "after a burst",
            Self::MegabytesAfterRest => "after a rest",
            Self::MillisToReady => "start to ready",
            Self::MillisToAcknowledgement => "to acknowledgement",
            Self::MillisToLastPayload => "to last payload",
            Self::ProxiesExpected => "proxies expected",
            Self::ProxiesEnforced => "proxies enforcing",
            Self::GeneratorBusy => "generator busy",
            Self::ApplicationBusy => "application busy",
            Self::FailedOperations => "failed operations",
        }
    }

    /// Its unit, empty for what is counted.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ProxySecondsPerGigabyte | Self::MachineSecondsPerGigabyte => "s/GB",
            Self::GigabytesPerSecond => "GB/s",
            Self::ProxyMicrosPerOperation | Self::MachineMicrosPerOperation => "µs/op",
            Self::OperationsPerSecond => "/s",
            Self::P50Micros | Self::P99Micros | Self::P999Micros => "µs",
            Self::MegabytesAtRest
            | Self::MegabytesWith1000
            | Self::MegabytesWith10000
            | Self::MegabytesAfterBurst
            | Self::MegabytesAfterRest => "MB",
            Self::KilobytesPerConnectionTo1000 | Self::KilobytesPerConnectionTo10000 => "kB",
            Self::MillisToReady | Self::MillisToAcknowledgement | Self::MillisToLastPayload => "ms",
            Self::ProxiesExpected
            | Self::ProxiesEnforced
            | Self::GeneratorBusy
            | Self::ApplicationBusy
            | Self::FailedOperations => "",
        }
    }

    /// Its unit as it follows a number: ` ms`, `/s`.
    pub fn unit_after_a_number(self) -> String {
        let unit = self.unit();
        if unit.is_empty() || unit.starts_with('/') { unit.into() } else { format!(" {unit}") }
    }

    /// `value` of it, as people read it, without its unit.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::ProxiesExpected | Self::ProxiesEnforced | Self::FailedOperations => number::whole(value),
            _ => number::figure(value),
        }
    }

    /// Which way is better.
    pub fn better(self) -> Better {
        match self {
            Self::GigabytesPerSecond | Self::OperationsPerSecond | Self::ProxiesEnforced => Better::More,
            Self::ProxiesExpected | Self::GeneratorBusy | Self::ApplicationBusy => Better::Neither,
            _ => Better::Less,
        }
    }

    /// Whether it became better by this difference; none if there is none, or nothing that could be better.
    pub fn is_better(self, difference: &Difference) -> Option<bool> {
        match (self.better(), difference) {
            (Better::Neither, _) | (_, Difference::None) => None,
            (Better::Less, Difference::Less { .. }) | (Better::More, Difference::More { .. }) => Some(true),
            (Better::Less, Difference::More { .. }) | (Better::More, Difference::Less { .. }) => Some(false),
        }
    }

    /// Whether it is of the proxies themselves, so that an arm without proxies has no such figure.
    pub fn is_of_proxies(self) -> bool {
        matches!(
            self,
            Self::ProxySecondsPerGigabyte
                | Self::ProxyMicrosPerOperation
                | Self::MegabytesAtRest
                | Self::MegabytesWith1000
                | Self::MegabytesWith10000
                | Self::KilobytesPerConnectionTo1000
                | Self::KilobytesPerConnectionTo10000
                | Self::MegabytesAfterBurst
                | Self::MegabytesAfterRest
                | Self::MillisToReady
        )
    }

    /// Whether it says what limited a run beside the arm; the page shows it among all figures.
    pub fn is_circumstance(self) -> bool {
        matches!(self, Self::GeneratorBusy | Self::ApplicationBusy | Self::FailedOperations)
    }

    /// The same of the whole machine, by which an arm without proxies can be compared.
    pub fn of_the_machine(self) -> Option<Self> {
        match self {
            Self::ProxySecondsPerGigabyte => Some(Self::MachineSecondsPerGigabyte),
            Self::ProxyMicrosPerOperation => Some(Self::MachineMicrosPerOperation),
            _ => None,
        }
    }

    /// Whether it answers the same question as a row's `primary` measure, in another state, and not one beside it.
    pub fn stands_beside(self, primary: Self) -> bool {
        match primary {
            // The totals with idle connections say again what the figures for each connection say.
            Self::MegabytesAtRest => matches!(
                self,
                Self::KilobytesPerConnectionTo1000
                    | Self::KilobytesPerConnectionTo10000
                    | Self::MegabytesAfterBurst
                    | Self::MegabytesAfterRest
            ),
            Self::MillisToAcknowledgement => {
                matches!(self, Self::MillisToLastPayload | Self::ProxiesEnforced)
            }
            _ => false,
        }
    }

    /// How a sentence compares it.
    pub fn comparing(self) -> Comparing {
        let (subject, object) = match self {
            Self::ProxySecondsPerGigabyte | Self::ProxyMicrosPerOperation => {
                ("Bulkhead's two proxies spend", "the processor time of")
            }
            Self::MachineSecondsPerGigabyte | Self::MachineMicrosPerOperation => {
                ("The whole machine's processor time with Bulkhead is", "")
            }
            Self::GigabytesPerSecond => ("Bulkhead's throughput is", ""),
            Self::OperationsPerSecond => ("Bulkhead's rate of operations is", ""),
            Self::P50Micros => ("Bulkhead's median latency is", ""),
            Self::P99Micros => ("Bulkhead's 99th percentile of latency is", ""),
            Self::P999Micros => ("Bulkhead's 99.9th percentile of latency is", ""),
            Self::MegabytesAtRest => ("At rest Bulkhead's two proxies take", "the memory of"),
            Self::MegabytesWith1000 => ("With 1,000 idle connections Bulkhead's two proxies take", "the memory of"),
            Self::MegabytesWith10000 => ("With 10,000 idle connections Bulkhead's two proxies take", "the memory of"),
            Self::KilobytesPerConnectionTo1000 => {
                ("For each idle connection up to 1,000 Bulkhead's two proxies take", "the memory of")
            }
            Self::KilobytesPerConnectionTo10000 => {
                ("For each idle connection from 1,000 to 10,000 Bulkhead's two proxies take", "the memory of")
            }
            Self::MegabytesAfterBurst => ("After a burst Bulkhead's two proxies take", "the memory of"),
            Self::MegabytesAfterRest => ("After a burst and a rest Bulkhead's two proxies take", "the memory of"),
            Self::MillisToReady => ("From start to the first answer Bulkhead's two proxies take", "the time of"),
            Self::MillisToAcknowledgement => ("Bulkhead's time to the last acknowledgement is", ""),
            Self::MillisToLastPayload => ("Bulkhead's time to the last payload segment is", ""),
            Self::ProxiesExpected => ("Bulkhead's number of proxies expected to acknowledge is", ""),
            Self::ProxiesEnforced => ("Bulkhead's number of proxies that enforced it is", ""),
            Self::GeneratorBusy => ("With Bulkhead the load generator was busy", "the time of that with"),
            Self::ApplicationBusy => ("With Bulkhead the application was busy", "the time of that with"),
            Self::FailedOperations => ("Bulkhead's number of failed operations is", ""),
        };
        let owned = !matches!(self, Self::MachineSecondsPerGigabyte | Self::MachineMicrosPerOperation);
        Comparing { subject, object, owned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Measure; 24] = [
        Measure::ProxySecondsPerGigabyte,
        Measure::MachineSecondsPerGigabyte,
        Measure::GigabytesPerSecond,
        Measure::ProxyMicrosPerOperation,
        Measure::MachineMicrosPerOperation,
        Measure::OperationsPerSecond,
        Measure::P50Micros,
        Measure::P99Micros,
        Measure::P999Micros,
        Measure::MegabytesAtRest,
        Measure::MegabytesWith1000,
        Measure::MegabytesWith10000,
        Measure::KilobytesPerConnectionTo1000,
        Measure::KilobytesPerConnectionTo10000,
        Measure::MegabytesAfterBurst,
        Measure::MegabytesAfterRest,
        Measure::MillisToReady,
        Measure::MillisToAcknowledgement,
        Measure::MillisToLastPayload,
        Measure::ProxiesExpected,
        Measure::ProxiesEnforced,
        Measure::GeneratorBusy,
        Measure::ApplicationBusy,
        Measure::FailedOperations,
    ];

    #[test]
    fn a_short_heading_fits_a_narrow_column() {
        for measure in ALL {
            assert!(measure.short().len() <= 18, "{measure:?}");
        }
    }

    #[test]
    fn only_what_the_proxies_themselves_take_is_theirs() {
        let theirs = ALL.into_iter().filter(|measure| measure.is_of_proxies());
        assert_eq!(theirs.count(), 10);
        assert!(!Measure::GigabytesPerSecond.is_of_proxies());
        assert!(!Measure::MachineMicrosPerOperation.is_of_proxies());
    }

    #[test]
    fn only_the_machines_figures_are_not_owned_by_an_arm() {
        let machines: Vec<_> = ALL.into_iter().filter(|measure| !measure.comparing().owned).collect();
        assert_eq!(machines, [Measure::MachineSecondsPerGigabyte, Measure::MachineMicrosPerOperation]);
    }
}
