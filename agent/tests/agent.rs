//! The agent on real sockets, with a CA that is played.
//!
//! The CA here is a mock: it shares the wire, the verifier and nothing else with the real one, does what a test tells
//! it, and remembers what it was asked. The real CA and the real agent meet in `/tests`. Time is a hand of the test.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test stops at what fails, and is no crate"
)]

#[path = "agent/attestation.rs"]
mod attestation;
#[path = "agent/command_line.rs"]
mod command_line;
#[path = "agent/fake_ca.rs"]
mod fake_ca;
#[path = "agent/foreign_client.rs"]
mod foreign_client;
#[path = "agent/join.rs"]
mod join;
#[path = "agent/manual_clock.rs"]
mod manual_clock;
#[path = "agent/pki.rs"]
mod pki;
#[path = "agent/registrations.rs"]
mod registrations;
#[path = "agent/renewal.rs"]
mod renewal;
#[path = "agent/restart.rs"]
mod restart;
#[path = "agent/workload_api.rs"]
mod workload_api;
#[path = "agent/world.rs"]
mod world;
