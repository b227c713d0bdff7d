//! A mesh of certificates and a CA that only plays one, for tests of the real binary.
//!
//! The CA here is a mock: it shows right or wrong certificates and gives prepared answers. The end-to-end tests run the
//! same binary against the real one.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs, reason = "a test stops at what fails")]

mod admin;
mod ca;
mod certificates;
mod run;

pub use ca::Ca;
pub use certificates::{Mesh, Shown};
pub use run::Run;
