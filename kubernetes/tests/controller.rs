//! The controller's stream to the CA, over real TLS.
#![allow(missing_docs, unreachable_pub, reason = "a test")]

#[path = "controller/telling.rs"]
mod telling;

/// What `tests/kubernetes` uses, too.
#[path = "support"]
mod support {
    pub mod fake_ca;
    pub mod pki;
}
