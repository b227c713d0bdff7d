//! Pods with their sidecars, as a real API server takes them, what their tokens are worth to the CA, what the
//! controller tells it, and what the injector and each other part of the chart may do and does.
#![allow(clippy::unwrap_used, reason = "a test stops at what fails")]

mod admission;
mod chart;
mod controller;
mod directory;
mod hand_over;
mod injector;
mod mesh;
mod pod_security;
mod pods;
mod rbac;
mod roots;
mod running;
mod tokens;
mod webhook;

/// A CA that plays its part; the controller's own tests use it, too.
#[path = "../../kubernetes/tests/support"]
#[allow(dead_code, unreachable_pub, reason = "of what it can only a part is needed here")]
mod support {
    pub mod fake_ca;
    pub mod pki;
}
