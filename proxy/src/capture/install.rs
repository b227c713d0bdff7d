//! Putting the rules in place, taking them away, showing them: by the program `nft`, in the workload's namespace.
//!
//! This needs CAP_NET_ADMIN over that namespace, which the proxy itself never has.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::namespace::{ALWAYS, INITIAL_ONLY};
use super::ruleset::{TABLE, removal};
use super::{CaptureConfig, Namespace, Whose, ruleset};

/// Puts the rules in place, instead of any that are there. Done twice, it is as done once.
///
/// Refuses a host's own network namespace unless the configuration is for one.
pub async fn install(config: &CaptureConfig, namespace: &Namespace) -> Result<(), CaptureError> {
    if whose(namespace).await? == Whose::Host && !config.host {
        return Err(CaptureError::HostNamespace { path: namespace.path() });
    }
    nft(namespace, &["-f", "-"], &ruleset(config)).await.map(drop)
}

/// Takes the rules away; no error if there are none.
pub async fn remove(namespace: &Namespace) -> Result<(), CaptureError> {
    nft(namespace, &["-f", "-"], &removal()).await.map(drop)
}

/// The rules in place, with their counters, as `nft` prints them; `None` if there are none.
pub async fn show(namespace: &Namespace) -> Result<Option<String>, CaptureError> {
    let tables = nft(namespace, &["list", "tables", "inet"], "").await?;
    if !tables.lines().any(|line| line == format!("table inet {TABLE}")) {
        return Ok(None);
    }
    nft(namespace, &["list", "table", "inet", TABLE], "").await.map(Some)
}

/// Whose network namespace this is.
pub async fn whose(namespace: &Namespace) -> Result<Whose, CaptureError> {
    if *namespace == Namespace::Own {
        return own();
    }
    let script = format!("test -e {ALWAYS} || exit 3; test -e {INITIAL_ONLY}");
    let output = run(namespace, "sh", &["-c", &script], "").await?;
    match output.status.code() {
        Some(0) => namespace.whose(true, std::process::id()),
        Some(1) => namespace.whose(false, std::process::id()),
        _ if output.status.code() == Some(3) => Err(CaptureError::CannotTell { path: namespace.path() }),
        _ => Err(failed("sh", &output)),
    }
}

/// Whose this program's own is: looked at without a shell, which an init container's image has not.
fn own() -> Result<Whose, CaptureError> {
    if !Path::new(ALWAYS).exists() {
        return Err(CaptureError::CannotTell { path: Namespace::Own.path() });
    }
    Namespace::Own.whose(Path::new(INITIAL_ONLY).exists(), std::process::id())
}

/// Why capture was not changed or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The rules would be for every program of the machine.
    #[error("{path} is this machine's own network namespace, not a workload's", path = .path.display())]
    HostNamespace {
        /// The namespace as it was named.
        path: PathBuf,
    },
    /// The kernel's parameters are hidden, so a machine's own namespace cannot be told from a workload's.
    #[error("cannot tell whose network namespace {path} is: {ALWAYS} is hidden", path = .path.display())]
    CannotTell {
        /// The namespace as it was named.
        path: PathBuf,
    },
    /// There is no such namespace.
    #[error("there is no network namespace {path}", path = .path.display())]
    NoNamespace {
        /// The namespace as it was named.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A program that is needed could not be started.
    #[error("cannot run `{program}`")]
    Run {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program reported failure.
    #[error("`{program}` failed ({status}): {complaint}")]
    Failed {
        /// Its name.
        program: String,
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote to its standard error.
        complaint: String,
    },
    /// A program did not end.
    #[error("`{program}` did not end within {} s and was killed", .limit.as_secs())]
    Deadline {
        /// Its name.
        program: String,
        /// How long it had.
        limit: Duration,
    },
}

impl CaptureError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::HostNamespace { .. } | Self::CannotTell { .. } => Some(
                "name the workload's with `--netns <path or pid>`; on a host whose own traffic is to be captured, add \
                 `--host`, which leaves uid 0 and port 22 alone",
            ),
            Self::NoNamespace { .. } => {
                Some("`--netns` takes the pid of a process in it, or a file such as /run/netns/NAME")
            }
            Self::Run { program, .. } if program == "nft" => Some("install the package `nftables`"),
            Self::Run { .. } => Some("install the package `util-linux`"),
            Self::Failed { .. } => Some("changing rules needs CAP_NET_ADMIN in that network namespace"),
            Self::Deadline { .. } => None,
        }
    }
}

async fn nft(namespace: &Namespace, arguments: &[&str], input: &str) -> Result<String, CaptureError> {
    let output = run(namespace, "nft", arguments, input).await?;
    if !output.status.success() {
        return Err(failed("nft", &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program in a network namespace, with this input, and kills it if it takes too long.
async fn run(namespace: &Namespace, program: &str, arguments: &[&str], input: &str) -> Result<Output, CaptureError> {
    let mut command = in_namespace(namespace, program);
    // Where `nft` is, which an ordinary user's search path often lacks.
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("PATH", path);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let run_error = |source| CaptureError::Run { program: program.to_owned(), source };
    let child = command.spawn().map_err(run_error)?;
    match timeout(LIMIT, feed(child, input)).await {
        Ok(output) => output.map_err(run_error),
        Err(_) => Err(CaptureError::Deadline { program: program.to_owned(), limit: LIMIT }),
    }
}

fn in_namespace(namespace: &Namespace, program: &str) -> Command {
    if *namespace == Namespace::Own {
        return Command::new(program);
    }
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", namespace.path().display())).arg("--").arg(program);
    command
}

async fn feed(mut child: Child, input: &str) -> io::Result<Output> {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why on its standard error.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    child.wait_with_output().await
}

fn failed(program: &str, output: &Output) -> CaptureError {
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    CaptureError::Failed { program: program.to_owned(), status: output.status, complaint }
}

const LIMIT: Duration = Duration::from_secs(10);
