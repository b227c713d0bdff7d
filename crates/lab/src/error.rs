//! What can go wrong in a lab, with what the reader can do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::tool::Tool;

/// Why the lab could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LabError {
    #[error("this machine lacks {}", crate::tool::list(missing))]
    Tools { missing: Vec<Tool> },
    #[error("no right to make network namespaces: {missing}")]
    Rights { missing: String, way_out: &'static str },
    #[error("cannot start `{program}`")]
    Start { program: String, source: io::Error },
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed { command: String, status: ExitStatus, stderr: String },
    #[error("`{command}` was killed, for it took more than {deadline:?}; it had printed: {printed}")]
    Deadline { command: String, deadline: Duration, printed: String },
    #[error("{what}: not seen within {deadline:?}; last seen: {seen}")]
    NotReached { what: String, deadline: Duration, seen: String },
    #[error("`{process}` ended ({status}) before its log had `{text}`; the log: {log}")]
    EndedFirst { process: String, status: ExitStatus, text: String, log: String },
    #[error("cannot {action} {path}", path = .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot enter the network namespace of `{host}`")]
    Enter { host: String, source: io::Error },
    #[error("cannot send SIGTERM to `{process}`")]
    Signal { process: String, source: io::Error },
    #[error("no address is left for `{name}`")]
    Full { name: String },
    #[error("{target} is not under /run, the one place that each host and pod has to itself", target = .target.display())]
    BindOutsideRun { target: PathBuf },
    #[error("{path} is not a capture in the classic pcap format of Ethernet frames", path = .path.display())]
    NotPcap { path: PathBuf },
    #[error("the kernel dropped {packets} packets of the capture, so it can prove no absence")]
    CaptureIncomplete { packets: u64 },
    #[error("`tcpdump` ended ({status}) before the capture did, so it can prove no absence; its log: {log}")]
    CaptureBroken { status: ExitStatus, log: String },
    #[error("there is no `{name}` in {directory}", directory = .directory.display())]
    NoBinary { name: String, directory: PathBuf },
    #[error("`{name} --version` says `{printed}`, not `{name} <version> (build <id>)`")]
    NoBuildId { name: String, printed: String },
    #[error("`{name}` is of build {found}, but this program is of build {expected}")]
    OtherBuild { name: String, found: String, expected: String },
}

impl LabError {
    /// What the reader can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tools { missing } => {
                let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
                Some(format!("`make setup` installs them; on Debian: `apt-get install {}`", packages.join(" ")))
            }
            Self::Rights { way_out, .. } => Some((*way_out).to_owned()),
            Self::CaptureIncomplete { .. } => Some("send less, or slower, while capturing".to_owned()),
            Self::CaptureBroken { .. } => {
                Some("look for room on the disk of the temporary directory, and in memory".to_owned())
            }
            Self::NoBinary { .. } | Self::NoBuildId { .. } | Self::OtherBuild { .. } => {
                Some("run `make test`, which builds the binaries and their tests together".to_owned())
            }
            _ => None,
        }
    }
}
