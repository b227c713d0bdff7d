//! The programs of the system that a lab is built with: where they are, and how one is run to its end.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::LabError;

/// A program that the lab, or what runs in it, calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program's name.
    pub name: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
}

/// Where `name` is, as the lab would start it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let executable =
        |at: &PathBuf| at.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    env::split_paths(&search_path()).map(|directory| directory.join(name)).find(executable)
}

/// The tools of this list that the machine lacks.
pub(crate) fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools.iter().copied().filter(|tool| find(tool.name).is_none()).collect()
}

/// The caller's search path with the directories of `ip`, `nft` and `tcpdump`, which an ordinary user's often lacks.
pub(crate) fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

/// Runs a tool that ends by itself, gives it `input` to read, and fails when it does.
pub(crate) fn run(mut tool: Command, input: &str) -> Result<String, LabError> {
    let program = tool.get_program().to_string_lossy().into_owned();
    let start_error = |source| LabError::Start { program: program.clone(), source };
    let mut child =
        (tool.env("PATH", search_path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
            .spawn()
            .map_err(start_error)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that ends without reading closes the pipe; its exit status says why, and better.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(start_error)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Failed { command: describe(&tool), status: output.status, stderr })
}

/// A command as one would type it, for error texts.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Names of tools with their packages, for error texts.
pub(crate) fn list(tools: &[Tool]) -> String {
    tools.iter().map(|tool| format!("`{}` (package {})", tool.name, tool.package)).collect::<Vec<_>>().join(", ")
}

/// What every lab needs.
pub(crate) const TOOLS: &[Tool] = &[
    Tool { name: "ip", package: "iproute2" },
    Tool { name: "nft", package: "nftables" },
    Tool { name: "tcpdump", package: "tcpdump" },
    Tool { name: "curl", package: "curl" },
    Tool { name: "nsenter", package: "util-linux" },
    Tool { name: "unshare", package: "util-linux" },
    Tool { name: "setpriv", package: "util-linux" },
    Tool { name: "mount", package: "mount" },
    Tool { name: "find", package: "findutils" },
];

/// What an ordinary user needs besides.
pub(crate) const USER_TOOLS: &[Tool] =
    &[Tool { name: "newuidmap", package: "uidmap" }, Tool { name: "newgidmap", package: "uidmap" }];
