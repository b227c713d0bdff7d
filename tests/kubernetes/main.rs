//! Pods with their sidecars, as a real API server takes them, what their tokens are worth to the CA, and what the controller tells it.
#![allow(clippy::unwrap_used, reason = "a test stops at what fails")]

mod admission;
mod chart;
mod controller;
mod directory;
mod hand_over;
mod mesh;
mod pod_security;
mod pods;
mod roots;
mod tokens;

/// A CA that plays its part; the controller's own tests use it, too.
#[path = "../../kubernetes/tests/support"]
#[allow(dead_code, unreachable_pub, reason = "of what it can only a part is needed here")]
mod support {
    pub mod fake_ca;
    pub mod pki;
}
