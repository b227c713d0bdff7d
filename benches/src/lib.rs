//! What the encryption costs: the same work through no proxy, through Bulkhead and through others, interleaved in one run.
//!
//! An [`arm`] is one way from a client to a server. The rows of a [`result`] are kinds of work; each row is measured in
//! rounds, each round runs every arm once, and every run is kept.

pub mod arm;
pub mod arms;
pub mod bulkhead;
pub mod certificates;
pub mod descriptors;
#[cfg(test)]
pub(crate) mod example;
pub mod machine;
pub mod options;
pub mod page;
pub mod plan;
pub mod profile;
mod program;
pub mod progress;
pub mod proof;
pub mod result;
pub mod revocation;
pub mod rows;
pub mod runner;
pub mod stop;
pub mod stream;
pub mod table;
pub mod verdict;
pub mod watching;
pub mod workload_api;
