//! The table of all rows.

use std::time::Duration;

use bulkhead_measure::Work;
use bulkhead_measure::work::{Direction, Pace};

use super::{Family, Kind, Length, Load, MemoryCourse, PlannedArm, PlannedRow, Protocol};
use crate::arm::{ArmName, Protection};
use crate::result::Measure;

/// The rows of a family.
pub(super) fn of(family: Family, length: Length, arms: &[PlannedArm]) -> Vec<PlannedRow> {
    let table = Table { length, arms };
    let rows = match family {
        Family::Bulk => table.bulk(),
        Family::PingPong => table.ping_pong(),
        Family::Connect => vec![table.connect()],
        Family::Handshake => vec![table.handshake()],
        Family::Http => table.requests(Protocol::Http),
        Family::Grpc => table.requests(Protocol::Grpc),
        Family::Memory => vec![table.memory()],
        Family::Ready => vec![table.ready()],
        Family::Rules => table.settings(Family::Rules, &[100, 10_000]),
        Family::Cutoffs => table.settings(Family::Cutoffs, &[10_000, 1_000_000]),
        Family::Revocation => table.revocation(),
        Family::Profile => Vec::new(),
    };
    rows.into_iter().filter(|row| length == Length::Full || QUICK_ROWS.contains(&&*row.name)).collect()
}

/// One row of each family, and what that needs.
const QUICK_ROWS: [&str; 13] = [
    "bulk-down-1",
    "ping-pong-32",
    "connect-16",
    "handshake-16",
    "http-capacity",
    "http-50",
    "grpc-capacity",
    "grpc-50",
    "memory",
    "ready",
    "rules-connect-16",
    "cutoffs-connect-16",
    "revocation-20",
];

struct Table<'a> {
    length: Length,
    arms: &'a [PlannedArm],
}

impl Table<'_> {
    fn bulk(&self) -> Vec<PlannedRow> {
        let all = [(Direction::Up, 1), (Direction::Up, 4), (Direction::Down, 1), (Direction::Down, 4)];
        all.map(|(direction, connections)| self.paired(bulk(direction, connections))).into()
    }

    fn ping_pong(&self) -> Vec<PlannedRow> {
        [1, 32].map(|connections| self.paired(ping_pong(connections))).into()
    }

    fn connect(&self) -> PlannedRow {
        self.paired(connect())
    }

    fn handshake(&self) -> PlannedRow {
        let title = "TLS connections to the server's proxy, 16 at a time, each with a full handshake";
        let work = Work::Handshake { parallel: 16 };
        let named = Named { name: "handshake-16".to_owned(), title: title.to_owned(), work, primary: PER_OPERATION };
        let encrypting = self.arms_with(|protection| protection == Protection::MutualTls);
        PlannedRow { family: Family::Handshake, arms: encrypting, ..self.paired(named) }
    }

    fn requests(&self, protocol: Protocol) -> Vec<PlannedRow> {
        let rates = [25, 50, 75].map(|percent| self.rate(protocol, percent));
        [self.capacity(protocol)].into_iter().chain(rates).collect()
    }

    fn capacity(&self, protocol: Protocol) -> PlannedRow {
        let title = format!("{}, the next request when the one before was answered", protocol.words());
        let (work, primary) = (protocol.work(Pace::AsFastAsAnswered), Measure::OperationsPerSecond);
        let named = Named { name: protocol.capacity_row().to_owned(), title, work, primary };
        let row = self.paired(named);
        PlannedRow { rounds: self.some(), family: protocol.family(), kind: self.load(work, REQUESTS), ..row }
    }

    fn rate(&self, protocol: Protocol, percent: u32) -> PlannedRow {
        let name = format!("{}-{percent}", protocol.family());
        let title = format!("{} at {percent} % of what the slowest arm can", protocol.words());
        let (warm_up, measured) = self.times(REQUESTS);
        let kind = Kind::Rate { protocol, percent, warm_up, measured };
        let row = self.row(name, protocol.family(), title, Measure::P99Micros, kind);
        PlannedRow { rounds: self.some(), rounds_per_start: ROUNDS_PER_START, ..row }
    }

    fn memory(&self) -> PlannedRow {
        let (idle, rest) = match self.length {
            Length::Full => (vec![1000, 10_000], Duration::from_mins(1)),
            Length::Quick => (vec![1000], Duration::from_secs(5)),
        };
        let work = Work::Bulk { direction: Direction::Down, connections: 64 };
        let burst = Load { work, warm_up: QUICK_WARM_UP, measured: self.times(MEASURED).1.max(BURST) };
        let seconds = rest.as_secs();
        let title = format!("memory of both proxies: at rest, with idle connections, after a burst, {seconds} s later");
        let kind = Kind::Memory(MemoryCourse { settle: SETTLE, idle, burst, rest });
        let proxied = self.arms_with(|protection| protection != Protection::None);
        let row = self.row("memory".to_owned(), Family::Memory, title, Measure::MegabytesAtRest, kind);
        PlannedRow { arms: proxied, ..row }
    }

    fn ready(&self) -> PlannedRow {
        let title = "from the start of both proxies to the first answer through them".to_owned();
        let row = self.row("ready".to_owned(), Family::Ready, title, Measure::MillisToReady, Kind::Ready);
        PlannedRow { arms: self.arms_with(|protection| protection != Protection::None), ..row }
    }

    /// Bulkhead as it is beside Bulkhead with so many rules or cutoffs, at three kinds of work.
    fn settings(&self, family: Family, sizes: &[u32]) -> Vec<PlannedRow> {
        // QUICK takes the setting that 10,000 makes, whichever place it has.
        let sizes = sizes.iter().copied().filter(|size| self.length == Length::Full || *size == 10_000);
        let settings = sizes.map(|size| ArmName(format!("{}@{family}-{size}", ArmName::BULKHEAD)));
        let arms: Vec<_> =
            self.bulkhead().into_iter().flat_map(|arm| [arm].into_iter().chain(settings.clone())).collect();
        [ping_pong(1), connect(), bulk(Direction::Down, 1)]
            .map(|named| {
                let (name, title) =
                    (format!("{family}-{}", named.name), format!("{}, with many {family}", named.title));
                let row = self.paired(Named { name, title, ..named });
                // A proxy with a million cutoffs takes minutes to start.
                PlannedRow { family, arms: arms.clone(), rounds: self.some(), rounds_per_start: 0, ..row }
            })
            .into()
    }

    fn revocation(&self) -> Vec<PlannedRow> {
        let sizes: &[u32] = match self.length {
            Length::Full => &[100, 1000],
            Length::Quick => &[20],
        };
        let row = |proxies: &u32| {
            let (name, title) =
                (format!("revocation-{proxies}"), format!("a node is revoked while {proxies} proxies watch"));
            let kind = Kind::Revocation { proxies: *proxies };
            let row = self.row(name, Family::Revocation, title, Measure::MillisToAcknowledgement, kind);
            PlannedRow { arms: self.bulkhead().into_iter().collect(), paired: false, ..row }
        };
        sizes.iter().map(row).collect()
    }

    /// A row in which a load generator does one work, as often as paired figures need it.
    fn paired(&self, named: Named) -> PlannedRow {
        let kind = self.load(named.work, MEASURED);
        let row = self.row(named.name, family_of(named.work), named.title, named.primary, kind);
        PlannedRow { rounds: self.many(), rounds_per_start: ROUNDS_PER_START, ..row }
    }

    /// A row of all arms, with few rounds.
    fn row(&self, name: String, family: Family, title: String, primary: Measure, kind: Kind) -> PlannedRow {
        let (arms, paired) = (self.arms_with(|_| true), self.bulkhead().is_some());
        PlannedRow { name, family, title, primary, paired, arms, rounds: FEW, rounds_per_start: 0, kind }
    }

    fn load(&self, work: Work, measured: Duration) -> Kind {
        let (warm_up, measured) = self.times(measured);
        Kind::Load(Load { work, warm_up, measured })
    }

    fn times(&self, measured: Duration) -> (Duration, Duration) {
        match self.length {
            Length::Full => (WARM_UP, measured),
            Length::Quick => (QUICK_WARM_UP, QUICK_MEASURED),
        }
    }

    const fn many(&self) -> u32 {
        match self.length {
            Length::Full => 15,
            Length::Quick => 3,
        }
    }

    /// Enough to tell a difference from none; of 3 rounds one comparison in four would show one where there is none.
    const fn some(&self) -> u32 {
        match self.length {
            Length::Full => 6,
            Length::Quick => FEW,
        }
    }

    fn bulkhead(&self) -> Option<ArmName> {
        self.arms.iter().map(|arm| &arm.name).find(|name| name.is_bulkhead()).cloned()
    }

    fn arms_with(&self, wanted: impl Fn(Protection) -> bool) -> Vec<ArmName> {
        self.arms.iter().filter(|arm| wanted(arm.protection)).map(|arm| arm.name.clone()).collect()
    }
}

/// A work with the words for it.
struct Named {
    name: String,
    title: String,
    work: Work,
    primary: Measure,
}

fn bulk(direction: Direction, connections: u32) -> Named {
    let (way, whither) = match direction {
        Direction::Up => ("up", "to the server"),
        Direction::Down => ("down", "to the client"),
    };
    let title = format!("bytes {whither} over {}", counted(connections, "connection"));
    let (name, work) = (format!("bulk-{way}-{connections}"), Work::Bulk { direction, connections });
    Named { name, title, work, primary: Measure::ProxySecondsPerGigabyte }
}

fn ping_pong(connections: u32) -> Named {
    // Alone on its connection a round trip shows what it takes; many at a time show what they cost.
    let primary = if connections == 1 { Measure::P50Micros } else { PER_OPERATION };
    let title = format!("128 bytes there and back, over {}", counted(connections, "connection"));
    Named { name: format!("ping-pong-{connections}"), title, work: Work::PingPong { connections }, primary }
}

fn connect() -> Named {
    let title = "connect, 128 bytes there and back, close; 16 at a time".to_owned();
    Named { name: "connect-16".to_owned(), title, work: Work::Connect { parallel: 16 }, primary: PER_OPERATION }
}

fn family_of(work: Work) -> Family {
    match work {
        Work::Bulk { .. } => Family::Bulk,
        Work::PingPong { .. } => Family::PingPong,
        Work::Connect { .. } => Family::Connect,
        Work::Handshake { .. } => Family::Handshake,
        Work::Http { .. } => Family::Http,
        Work::Grpc { .. } => Family::Grpc,
        Work::Idle { .. } => Family::Memory,
    }
}

impl Protocol {
    /// The work of so many requests.
    pub const fn work(self, pace: Pace) -> Work {
        match self {
            Self::Http => Work::Http { connections: 32, pace },
            Self::Grpc => Work::Grpc { connections: 4, pace },
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Http => Family::Http,
            Self::Grpc => Family::Grpc,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Http => "HTTP/1.1 requests on 32 connections",
            Self::Grpc => "unary gRPC calls on 4 connections",
        }
    }
}

fn counted(number: u32, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Rounds of what is no ratio of processor times.
const FEW: u32 = 3;
/// Five starts in fifteen rounds, and as many rounds forward as backward with each two of them.
const ROUNDS_PER_START: u32 = 3;
const PER_OPERATION: Measure = Measure::ProxyMicrosPerOperation;
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_secs(2);
/// Requests come slower than round trips, and their 99th percentile needs many of them.
const REQUESTS: Duration = Duration::from_secs(3);
const SETTLE: Duration = Duration::from_millis(300);
/// A burst that is shorter may be over before the last of its connections stands.
const BURST: Duration = Duration::from_secs(1);
const QUICK_WARM_UP: Duration = Duration::from_millis(150);
const QUICK_MEASURED: Duration = Duration::from_millis(500);
