//! What every long-running program of Bulkhead has: an admin port, a clock, a log, a version, and an end.
//!
//! The CA, the agents and the proxies are programs of their own and import none of one another; what all three need of
//! a program's surroundings stands here once.

pub mod admin;
pub mod clock;
pub mod log;
pub mod metrics;
pub mod questions;
pub mod report;
pub mod sabotage;
pub mod signal;
pub mod stop;
pub mod version;

pub use admin::{AdminError, AdminPort, Subject};
pub use clock::{Clock, SharedClock, SystemClock};
pub use report::chain;
pub use stop::{Stop, Stopper};
