//! The agent: one per host. It holds the node's identity and hands certificates to the workloads of that host.

pub mod args;
pub mod attestation;
pub mod ca_client;
pub mod certified;
pub mod dice;
pub mod error;
pub mod first_contact;
pub mod host;
pub mod join;
pub mod joining;
pub mod leaf;
pub mod lobby;
pub mod metrics;
pub mod node_identity;
pub mod node_renewal;
pub mod offer;
pub mod print;
pub mod registrations;
pub mod run;
pub mod sockets;
pub mod state;
pub mod svids;
pub mod token;
pub mod workload;
pub mod workload_api;
pub mod workloads;

#[cfg(test)]
mod testing;
