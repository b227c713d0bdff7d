//! Two proxies' halves in one process, over real sockets and real TLS, told what is true by hand.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod admin;
mod door;
mod hands;
mod inbound;
mod lines;
mod outbound;
mod permissive;
mod pool;
mod probes;
mod running;
mod sizes;
mod support;
mod world;
