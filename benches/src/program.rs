//! A program of this machine that is run to its end, under a deadline.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bulkhead_lab::until;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How a program ended and what it printed; after `deadline` it is killed with its children, which is an error.
///
/// It has a group of its own: the first Ctrl-C asks for an end after the current run, and what is run here is a part of
/// that one.
pub(crate) fn output(command: &mut Command, deadline: Duration) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    // Files instead of pipes: nobody has to read them meanwhile, and no grandchild keeps them from ending.
    let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.process_group(0).spawn().with_context(|| format!("`{name}` cannot be started"))?;
    let status = end_of(&mut child, &name, deadline)?;
    Ok(Output { status, stdout: whole(stdout)?, stderr: whole(stderr)? })
}

fn end_of(child: &mut Child, name: &str, deadline: Duration) -> Result<ExitStatus> {
    let ended = until(deadline, &format!("the end of `{name}`"), || child.try_wait().ok().flatten());
    if ended.is_err() {
        kill(child)?;
    }
    ended.map_err(|error| anyhow!(error))
}

/// Kills its group, which it leads: as long as nobody has waited for it, its number is nobody else's.
fn kill(child: &mut Child) -> Result<()> {
    let leader = Pid::from_raw(i32::try_from(child.id())?);
    // It fails when all have ended already, which is as good.
    let _ = killpg(leader, Signal::SIGKILL);
    child.wait()?;
    Ok(())
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_prints_is_told_however_it_ends() {
        let printing = "echo out; echo err >&2; exit 3";
        let output = output(Command::new("sh").args(["-c", printing]), Duration::from_mins(1)).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
    }

    #[test]
    fn a_program_that_does_not_end_is_an_error_that_names_it() {
        let error = output(Command::new("sleep").arg("infinity"), Duration::from_millis(1)).unwrap_err();
        assert!(error.to_string().contains("`sleep`"), "{error}");
    }
}
