//! The proxy from outside: tunnels against raw peers, copies between real sockets, capture and the program itself in real
//! network namespaces.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod capture;
mod capture_others;
mod copy;
mod program;
mod socket;
mod support;
mod tunnel;
