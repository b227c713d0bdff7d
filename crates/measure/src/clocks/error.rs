//! Why a clock cannot be read.

use std::io;
use std::path::PathBuf;

/// Why the kernel did not say what was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ClockError {
    #[error("there is no process {pid}: it has ended, or never was")]
    Gone { pid: u32 },
    #[error("process {pid} has ended, and only waits for its parent to notice")]
    Ended { pid: u32 },
    #[error("cannot read the processor clock of process {pid}")]
    Clock { pid: u32, source: io::Error },
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} does not say {what}", path = .path.display())]
    Silent { path: PathBuf, what: &'static str },
    #[error("the kernel does not say {what}")]
    Unknown { what: &'static str },
}
