//! Measures what stands between a client and a server: load, clocks and statistics.
//!
//! It knows neither Bulkhead nor any other proxy: [`load`] makes connections and counts what came through, [`clocks`]
//! reads what other processes and the machine have spent, [`statistics`] and [`schedule`] are pure, and take numbers
//! and dice as arguments. Who runs what against what, and what it means, is decided by whoever calls.

pub mod clocks;
pub mod load;
pub mod sample;
pub mod schedule;
pub mod statistics;
pub mod work;

pub use sample::{Latency, Sample};
pub use work::{Order, Work};
