//! What paired runs say: medians, ratios, and how sure they are.
//!
//! Pure: numbers in, numbers out, and no dice, so that whoever has the runs can compute the same table again.

mod difference;
mod interval;
mod order;
mod quantile;

pub use difference::{Difference, compare};
pub use interval::{FEWEST_RUNS, Interval, StatisticsError, confidence, interval_of_median, paired_ratio};
pub use quantile::{median, quantile, spread};
