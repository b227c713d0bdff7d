//! The lower floor of the proxy from outside: tunnels against raw peers, copies between real sockets, capture in real
//! network namespaces.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod capture;
mod copy;
mod socket;
mod support;
mod tunnel;
