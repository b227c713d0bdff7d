//! The directory source: what the CA is told of the cluster's pods and services.
//!
//! [`Directory`] is pure: sights go in, the writes of one stream come out. [`link`] brings them to the CA.

mod batch;
mod entry;
pub mod link;
mod model;
mod outbox;

pub use entry::Cut;
pub use model::{Directory, Limits, Write};
pub use outbox::Unexpected;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
