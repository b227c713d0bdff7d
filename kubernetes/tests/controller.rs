//! The controller's stream to the CA, over real TLS.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test stops at what fails, and is no crate")]

#[path = "controller/telling.rs"]
mod telling;

/// What `tests/kubernetes` uses, too.
#[path = "support"]
mod support {
    pub mod fake_ca;
    pub mod pki;
}
