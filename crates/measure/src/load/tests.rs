//! Whole runs on the loopback.

mod application;
mod failures;
mod orders;
mod runs;
