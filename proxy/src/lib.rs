//! The sidecar of one workload: it captures the workload's connections, decides on them, encrypts them and forwards them.
//!
//! This is the lower floor, which knows bytes and not the mesh: [`capture`] brings connections here, [`socket`] holds
//! what the kernel is asked for, [`tunnel`] carries connections between two proxies, and [`copy()`](copy::copy) moves the
//! bytes of one of them. Nothing here decides who may talk; nothing outside `tunnel` knows which library multiplexes.

pub mod capture;
pub mod clocks;
pub mod copy;
pub mod dice;
pub mod directory;
pub mod disk;
pub mod feed;
pub mod identity_source;
pub mod live;
pub mod registry;
pub mod socket;
pub mod subject;
pub mod truth;
pub mod tunnel;

#[cfg(test)]
mod testing;
