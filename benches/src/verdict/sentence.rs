//! A row's verdict in plain words, for the primary measure and for any other.

use std::ops::RangeInclusive;

use bulkhead_measure::statistics::Difference;

use crate::result::Measure;
use crate::verdict::figure::{Comparison, Figure};
use crate::verdict::{ArmVerdict, Cell, Kind, RowVerdict, figure, names, number};

impl RowVerdict<'_> {
    /// What the row says by its leading measures, and of what there is no figure.
    pub fn sentences(&self) -> String {
        let found = self.leading().into_iter().filter_map(|measure| self.about(measure));
        let said = found.chain(self.remarks()).collect::<Vec<_>>().join(" ");
        if said.is_empty() { "Nothing was measured.".into() } else { said }
    }

    /// What is said beside the figures: of the arm without proxies, of what failed, of what is not compared.
    pub fn remarks(&self) -> Vec<String> {
        let missing = self.arms.iter().filter_map(missing);
        let others = [self.limited(), self.not_compared(), self.not_enforced()];
        self.without_proxies().into_iter().chain(missing).chain(others.into_iter().flatten()).collect()
    }

    /// With which arms the load generator or the application, one thread each, had no time left: what came through is
    /// then theirs as much as the arm's.
    fn limited(&self) -> Option<String> {
        let busy = |verdict: &&ArmVerdict<'_>| {
            let figures = [Measure::GeneratorBusy, Measure::ApplicationBusy].map(|measure| verdict.figure(measure));
            figures.into_iter().flatten().any(|figure| figure.median >= BUSY)
        };
        let arms = self.arms.iter().filter(busy).map(|verdict| names::plain(verdict.arm));
        let arms = listed(arms, "and")?;
        Some(format!("The load generator or the application had no time left with {arms}: more may be possible there."))
    }

    /// In how many runs a proxy that was expected to enforce a revocation did not.
    fn not_enforced(&self) -> Option<String> {
        let counted = self.row.runs.iter().filter_map(|run| {
            Some((figure::value(run, Measure::ProxiesEnforced)?, figure::value(run, Measure::ProxiesExpected)?))
        });
        let counted: Vec<_> = counted.collect();
        let short: Vec<_> = counted.iter().filter(|(enforced, expected)| enforced < expected).collect();
        let (enforced, expected) = short.iter().min_by(|one, other| one.0.total_cmp(&other.0))?;
        let [enforced, expected] = [enforced, expected].map(|count| number::whole(*count));
        let (short, all) = (short.len(), counted.len());
        Some(format!("In {short} of {all} runs a proxy did not enforce it: at worst {enforced} of {expected} did."))
    }

    /// What the row says by `measure`; none if it has no figure of it.
    pub fn about(&self, measure: Measure) -> Option<String> {
        match self.kind() {
            Kind::Arms => self.against_others(measure, self.others()),
            Kind::Settings => self.settings(measure),
            Kind::Alone => self.alone(measure),
        }
    }

    /// An arm without proxies is compared by what the whole machine spends, where the row compares proxies.
    fn without_proxies(&self) -> Option<String> {
        let measure = self.row.primary.of_the_machine().filter(|_| self.kind() == Kind::Arms)?;
        self.against_others(measure, self.others().filter(|verdict| names::is_without_proxies(verdict.arm)))
    }

    /// Whose figures stand beside Bulkhead's without a ratio: too few rounds measured both, or one of them is 0.
    fn not_compared(&self) -> Option<String> {
        if self.kind() == Kind::Alone || self.arms.is_empty() {
            return None;
        }
        let measure = self.row.primary;
        let Some(ours) = self.ours() else { return Some("Bulkhead was not run, so nothing is compared.".into()) };
        ours.figure(measure)?;
        let alone = self.others().filter(|verdict| verdict.figure(measure).is_some_and(|it| it.against.is_none()));
        Some(format!("No ratio to {}.", listed(alone.map(|verdict| names::plain(verdict.arm)), "or")?))
    }

    fn against_others<'v>(&self, measure: Measure, others: impl Iterator<Item = &'v ArmVerdict<'v>>) -> Option<String> {
        self.ours()?.figure(measure)?;
        let compared: Vec<_> = others.filter_map(|verdict| compared(verdict, measure)).collect();
        let differing = differing(measure, &compared);
        let equal = compared.iter().filter(|(_, against)| is_equal(against));
        let equal = listed(equal.map(|(verdict, against)| beside(verdict, against)), "or");
        match (differing.is_empty(), equal) {
            (true, None) => None,
            (true, Some(equal)) => Some(format!("{}: no difference to {equal}.", first_upper(measure.heading()))),
            (false, None) => Some(format!("{} {differing}.", measure.comparing().subject)),
            (false, Some(equal)) => {
                Some(format!("{} {differing}; no difference to {equal}.", measure.comparing().subject))
            }
        }
    }

    fn settings(&self, measure: Measure) -> Option<String> {
        self.ours()?.figure(measure)?;
        let compared: Vec<_> = self.others().filter_map(|verdict| compared(verdict, measure)).collect();
        let said = |change| {
            let such = compared.iter().filter(|(_, against)| Change::of(against) == change);
            let said = such.map(|(verdict, against)| match change {
                Change::Some => format!("{} with {}", times(against), names::plain(verdict.arm)),
                Change::Unseen | Change::Flat => format!("with {}", beside(verdict, against)),
            });
            Some((change, listed(said, "and")?))
        };
        let mut found = [Change::Some, Change::Unseen, Change::Flat].into_iter().filter_map(said);
        let (change, first) = found.next()?;
        let is = if change == Change::Some { " is" } else { "" };
        let first = format!("{}: {}{is} {first}", first_upper(change.words()), measure.heading());
        let others = found.map(|(change, said)| format!("{} {said}", change.words()));
        Some(format!("{}.", std::iter::once(first).chain(others).collect::<Vec<_>>().join("; ")))
    }

    fn alone(&self, measure: Measure) -> Option<String> {
        let figures = self.arms.iter().filter_map(|verdict| {
            let said = spread(measure, verdict.figure(measure)?);
            Some(if verdict.arm.is_bulkhead() { said } else { format!("{} {said}", names::label(verdict.arm)) })
        });
        Some(format!("{}: {}.", first_upper(measure.heading()), listed(figures, "and")?))
    }
}

/// What a setting does to a figure.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    /// Another figure, by more than what is flat or perhaps so.
    Some,
    /// None is seen, but the runs differ too much to say that there is none.
    Unseen,
    /// Hardly any, whether it is seen or not.
    Flat,
}

impl Change {
    fn of(against: &Comparison) -> Self {
        match FLAT.contains(&against.ratio.low) && FLAT.contains(&against.ratio.high) {
            true => Self::Flat,
            false if is_equal(against) => Self::Unseen,
            false => Self::Some,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Some => "not flat",
            Self::Unseen => "no difference seen",
            Self::Flat => "flat",
        }
    }
}

/// Ratios of which nobody who runs a mesh would notice the difference to 1.
const FLAT: RangeInclusive<f64> = 0.95..=1.05;

/// `14.2 ms (13.1 to 17.0 in 3 runs)`.
pub fn spread(measure: Measure, figure: &Figure) -> String {
    let [median, least, most] = [figure.median, figure.least, figure.most].map(|value| measure.shown(value));
    let range = if least == most { "in each of".into() } else { format!("{least} to {most} in") };
    format!("{median}{} ({range} {} runs)", measure.unit_after_a_number(), figure.runs)
}

/// `1.42 times (1.38 to 1.45)`.
fn times(against: &Comparison) -> String {
    format!("{} times as much ({})", number::figure(against.ratio.middle), interval(against))
}

/// `nginx (0.93 to 1.02)`.
fn beside(verdict: &ArmVerdict<'_>, against: &Comparison) -> String {
    format!("{} ({})", names::plain(verdict.arm), interval(against))
}

/// `1.38 to 1.45`.
pub fn interval(against: &Comparison) -> String {
    format!("{} to {}", number::bound(against.ratio.low), number::bound(against.ratio.high))
}

fn compared<'v>(verdict: &'v ArmVerdict<'v>, measure: Measure) -> Option<(&'v ArmVerdict<'v>, &'v Comparison)> {
    Some((verdict, verdict.figure(measure)?.against.as_ref()?))
}

fn is_equal(against: &Comparison) -> bool {
    matches!(against.difference, Difference::None)
}

/// `1.42 times the processor time of HAProxy's (1.38 to 1.45) and 0.714 times nginx's (0.68 to 0.74)`; empty without any.
fn differing(measure: Measure, compared: &[(&ArmVerdict<'_>, &Comparison)]) -> String {
    let differing = compared.iter().filter(|(_, against)| !is_equal(against));
    let said = differing.enumerate().map(|(index, (verdict, against))| {
        let object = measure.comparing().object;
        let object = if index == 0 && !object.is_empty() { format!("{object} ") } else { String::new() };
        let ratio = number::figure(against.ratio.middle);
        format!("{ratio} times {object}{} ({})", whose(measure, verdict), interval(against))
    });
    listed(said, "and").unwrap_or_default()
}

fn whose(measure: Measure, verdict: &ArmVerdict<'_>) -> String {
    if measure.comparing().owned || names::is_without_proxies(verdict.arm) {
        names::owner(verdict.arm)
    } else {
        format!("that with {}", names::plain(verdict.arm))
    }
}

/// Why there is no figure of an arm in a row, or what must be known beside it.
fn missing(verdict: &ArmVerdict<'_>) -> Option<String> {
    let name = names::plain(verdict.arm);
    match (&verdict.failures, verdict.note()) {
        (_, Some(note)) => Some(format!("Of {name} {}.", note.sentence())),
        (Some(failures), None) => Some(format!("No figure of {name}: {}.", failures.sentence())),
        (None, None) if is_too_few(verdict) => Some(format!("Too few runs of {name}.")),
        (None, None) => None,
    }
}

fn is_too_few(verdict: &ArmVerdict<'_>) -> bool {
    let mut measures = verdict.figures.iter().flat_map(|figures| figures.keys());
    measures.any(|measure| matches!(verdict.cell(*measure), Cell::TooFew(_)))
}

/// `a, b and c`; none of nothing.
fn listed(items: impl Iterator<Item = String>, last: &str) -> Option<String> {
    let mut items: Vec<_> = items.collect();
    let end = items.pop()?;
    Some(if items.is_empty() { end } else { format!("{} {last} {end}", items.join(", ")) })
}

/// The text with a capital letter at its beginning.
pub fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A thread that is busy for so much of the time has none left; the rest is the clock's and the scheduler's.
const BUSY: f64 = 0.9;
