//! The sidecar of one workload: it captures the workload's connections, decides on them, encrypts them and forwards them.
//!
//! The lower floor knows bytes and not the mesh: [`capture`] brings connections here, [`socket`] holds what the kernel is
//! asked for, [`tunnel`] carries connections between two proxies, [`copy()`](copy::copy) and [`plain`] move the bytes of
//! one of them. Nothing there decides who may talk; nothing outside `tunnel` knows which library multiplexes.
//!
//! The floor above knows what is true ([`identity_source`], [`truth`], [`directory`]) and what is open ([`registry`]).
//! On it stand the two ways of a connection, [`inbound`] and [`outbound`], each to be read from top to bottom; beside
//! them [`probes`], which asks the workload for its health and serves no peer.

mod accepting;
pub mod addresses;
pub mod admin;
pub mod capture;
pub mod clocks;
pub mod command;
pub mod copy;
pub mod dice;
pub mod directory;
pub mod disk;
pub mod feed;
pub mod identity_source;
pub mod inbound;
pub mod limits;
pub mod live;
pub mod lookout;
pub mod metrics;
pub mod outbound;
pub mod permissive;
pub mod plain;
pub mod pool;
pub mod print;
pub mod probes;
pub mod reason;
pub mod record;
pub mod refused;
pub mod registry;
pub mod resolve;
pub mod run;
mod sabotage;
pub mod sidecar;
pub mod socket;
pub mod subject;
pub mod truth;
pub mod tunnel;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
