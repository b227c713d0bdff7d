//! The axis of a chart: from 0, with marks at steps of 1, 2 or 5. Pure.

use crate::verdict::number;

/// An axis from 0 to its last mark or a little further.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// The value at its right end, above 0.
    pub(super) end: f64,
    /// The distance between two marks: 1, 2 or 5 times a power of ten.
    pub(super) step: f64,
    /// The exponent of that power.
    exponent: i32,
}

impl Axis {
    /// An axis on which `most` has room, with at most [`MARKS`] marks besides 0.
    pub(super) fn to(most: f64) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        #[allow(clippy::cast_possible_truncation, reason = "the exponent of an f64 has three digits")]
        let lowest = (most / MARKS).log10().floor() as i32;
        let steps = (lowest..=lowest + 1).flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| (digit, exponent)));
        let (digit, exponent) = steps
            .into_iter()
            .find(|(digit, exponent)| most / scaled(*digit, *exponent) <= MARKS)
            .unwrap_or((1.0, lowest + 2));
        Self { end: most * MARGIN, step: scaled(digit, exponent), exponent }
    }

    /// The values with marks, from 0 on.
    pub(super) fn marks(&self) -> Vec<f64> {
        let marks = (0..=16).map(|count| f64::from(count) * self.step);
        marks.take_while(|mark| *mark <= self.end).collect()
    }

    /// What is written at a mark.
    pub(super) fn label(&self, mark: f64) -> String {
        if mark == 0.0 { "0".into() } else { number::with_decimals(mark, -self.exponent) }
    }

    /// Where `value` lies, in hundredths of the axis' length: 0 to 100.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value / self.end * 100.0).clamp(0.0, 100.0)
    }
}

/// `digit` times ten to the power of `exponent`, as exact as an `f64` can be: a division by 1,000 is, a multiplication by
/// 0.001 is not.
fn scaled(digit: f64, exponent: i32) -> f64 {
    if exponent < 0 { digit / 10_f64.powi(-exponent) } else { digit * 10_f64.powi(exponent) }
}

/// So many marks have room on a narrow screen.
const MARKS: f64 = 6.0;
/// What is drawn at the end needs a little room itself.
const MARGIN: f64 = 1.03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_at_steps_of_1_2_or_5() {
        for (most, expected) in [
            (0.009, "0 0.002 0.004 0.006 0.008"),
            (0.6, "0 0.1 0.2 0.3 0.4 0.5 0.6"),
            (1.0, "0 0.2 0.4 0.6 0.8 1.0"),
            (2.6, "0 0.5 1.0 1.5 2.0 2.5"),
            (6.0, "0 1 2 3 4 5 6"),
            (9.9, "0 2 4 6 8 10"),
            (155.0, "0 50 100 150"),
            (1_560.0, "0 500 1,000 1,500"),
            (60_001.0, "0 20,000 40,000 60,000"),
            (0.0, "0 0.2 0.4 0.6 0.8 1.0"),
            (-3.0, "0 0.2 0.4 0.6 0.8 1.0"),
            (f64::NAN, "0 0.2 0.4 0.6 0.8 1.0"),
            (f64::INFINITY, "0 0.2 0.4 0.6 0.8 1.0"),
        ] {
            let axis = Axis::to(most);
            let labels: Vec<_> = axis.marks().into_iter().map(|mark| axis.label(mark)).collect();
            assert_eq!(labels.join(" "), expected, "{most}");
        }
    }

    #[test]
    fn whatever_the_size_there_are_some_marks_and_not_too_many() {
        let mut most = 1e-12;
        while most < 1e12 {
            let marks = Axis::to(most).marks().len();
            assert!((3..=7).contains(&marks), "{marks} up to {most}");
            most *= 1.07;
        }
    }

    #[test]
    fn places_stay_on_the_axis() {
        let axis = Axis::to(100.0);
        for (value, expected) in [(0.0, 0.0), (51.5, 50.0), (103.0, 100.0), (500.0, 100.0), (-1.0, 0.0)] {
            assert!((axis.place(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
