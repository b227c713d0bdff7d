//! The machine: what it is, how much its processors work, and how many wait for them.

mod busy;
mod description;
mod load;

pub use busy::{Busy, Spent};
pub use description::Description;
pub use load::load_average;
