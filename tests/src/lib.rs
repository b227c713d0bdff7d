//! A whole mesh on one machine: the real programs, as processes in the network namespaces of a [`bulkhead_lab::Lab`].
//!
//! Nothing here links the CA, the agent or the proxy: they are started as an operator would start them, told what to do
//! by the operator's own command, and watched from outside. Errors are `anyhow`'s, since whoever reads them reads a
//! test's output.

pub mod cluster;
pub mod cut;
pub mod demo;
pub mod kubernetes;
pub mod mesh;
pub mod node;
pub mod operator;
pub mod programs;
pub(crate) mod teller;
pub mod workload;

pub use mesh::Mesh;
pub use node::Node;
pub use operator::Operator;
pub use workload::Workload;

use std::time::Duration;

use anyhow::{Context as _, Result};

/// No wait of a test is longer than this; who waits names a state, never a time.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What a program has logged; a log that cannot be read says why in its place.
fn log_of(process: &bulkhead_lab::Process) -> String {
    process.log().unwrap_or_else(|error| error.to_string())
}

/// Milliseconds since 1970 of a moment as the programs print it, `2026-11-24T17:36:52.000Z`.
pub fn moment_millis(text: &str) -> Result<u64> {
    let moment: bulkhead_mesh::Timestamp = text.parse().with_context(|| format!("`{text}` is no moment"))?;
    Ok(moment.as_millis())
}

/// Whether curl's connection was reset: 56 says that it saw so while it read, 7 that the reset came before it did. A
/// timeout is another number.
pub fn was_reset(curl: &bulkhead_lab::Output) -> bool {
    matches!(curl.status.code(), Some(7 | 56))
}

/// Whether curl's connection was reset before anything was answered.
pub fn was_refused(curl: &bulkhead_lab::Output) -> bool {
    was_reset(curl) && curl.stdout.is_empty()
}
