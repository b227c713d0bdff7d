//! The rights that a lab needs: root's, on the machine or in a user namespace of one's own.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Mutex;

use nix::unistd::{Uid, User, geteuid};

use crate::error::LabError;
use crate::tool::{self, Tool};

/// To be called by a program that makes labs before it does anything else: by `main`, or by each test first.
///
/// Root goes on. An ordinary user's program is executed anew, with the same arguments, inside a user namespace with
/// several uids, and there is root; where that is not possible the error says what stands in the way. Tests that run
/// at the same time wait here for the first one, with which they begin anew; only "running .. tests" is printed twice.
pub fn ensure() -> Result<(), LabError> {
    let _alone = ALONE.lock();
    let missing = missing_tools();
    if !missing.is_empty() {
        return Err(LabError::Tools { missing });
    }
    if geteuid().is_root() {
        return check().and_then(|()| try_namespaces());
    }
    tool::run(in_user_namespace(&["unshare", "--net", "true"]), "").map_err(|error| why_no_user_namespace(&error))?;
    Err(execute_again())
}

/// The programs that this machine lacks, as the current user would need them.
pub fn missing_tools() -> Vec<Tool> {
    let mut missing = tool::missing(tool::TOOLS);
    if !geteuid().is_root() {
        missing.extend(tool::missing(tool::USER_TOOLS));
    }
    missing
}

/// Whether we are root, and have more than one uid to give to workloads.
pub(crate) fn check() -> Result<(), LabError> {
    if !geteuid().is_root() {
        return Err(refused("this program runs as an ordinary user, and outside a user namespace", CALL_ENSURE));
    }
    if mapped_ids(&uid_map()) < ENOUGH_IDS {
        return Err(refused("the user namespace has too few uids", WAY_OUT));
    }
    Ok(())
}

/// Whether we are in the user namespace of the machine, which maps every uid to itself.
pub(crate) fn are_those_of_the_machine() -> bool {
    mapped_ids(&uid_map()) == u64::from(u32::MAX)
}

/// In a container root may have no right to it.
fn try_namespaces() -> Result<(), LabError> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "true"]);
    tool::run(command, "").map(drop).map_err(explain)
}

/// The reason why the first namespace could not be made.
pub(crate) fn explain(error: LabError) -> LabError {
    match error {
        LabError::Failed { stderr, .. } => refused(&stderr, WAY_OUT),
        other => other,
    }
}

/// `unshare` keeps the process, so that signals, the terminal and the exit status are the program's own.
fn in_user_namespace(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--map-auto", "--mount", "--"]).args(words);
    command.env("PATH", tool::search_path());
    command
}

fn execute_again() -> LabError {
    let itself = match env::current_exe() {
        Ok(path) => path,
        Err(source) => return LabError::File { action: "find", path: "/proc/self/exe".into(), source },
    };
    let mut command = in_user_namespace(&[]);
    let source = command.arg(itself).args(env::args_os().skip(1)).exec();
    LabError::Start { program: "unshare".to_owned(), source }
}

/// The first thing that stands in the way; what `unshare` said when none of the known ones does.
fn why_no_user_namespace(error: &LabError) -> LabError {
    let refusals = [
        (kernel_says("user/max_user_namespaces", "0"), "user namespaces are off (user.max_user_namespaces = 0)"),
        (
            kernel_says("kernel/unprivileged_userns_clone", "0"),
            "user namespaces are for root only (kernel.unprivileged_userns_clone = 0)",
        ),
        (
            kernel_says("kernel/apparmor_restrict_unprivileged_userns", "1"),
            "AppArmor takes all rights from user namespaces (kernel.apparmor_restrict_unprivileged_userns = 1)",
        ),
        (!has_range("/etc/subuid"), "this user has no range of uids in /etc/subuid"),
        (!has_range("/etc/subgid"), "this user has no range of gids in /etc/subgid"),
        (!knows_map_auto(), "`unshare` does not know --map-auto (util-linux is older than 2.38)"),
    ];
    match refusals.iter().find(|(stands, _)| *stands) {
        Some((_, reason)) => refused(reason, WAY_OUT),
        None => refused(&error.to_string(), WAY_OUT),
    }
}

fn kernel_says(parameter: &str, value: &str) -> bool {
    fs::read_to_string(format!("/proc/sys/{parameter}")).is_ok_and(|found| found.trim() == value)
}

fn has_range(file: &str) -> bool {
    let uid = geteuid();
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name).unwrap_or_default();
    fs::read_to_string(file).is_ok_and(|ranges| range_of(&ranges, &name, uid).is_some_and(|ids| ids >= ENOUGH_IDS))
}

/// The size of a user's first range in the format of subuid(5): `name-or-uid:first:count`.
fn range_of(ranges: &str, name: &str, uid: Uid) -> Option<u64> {
    let mut fields = ranges.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = fields.find(|fields| fields.first().is_some_and(|owner| *owner == name || *owner == uid.to_string()))?;
    own.get(2)?.trim().parse().ok()
}

fn uid_map() -> String {
    fs::read_to_string("/proc/self/uid_map").unwrap_or_default()
}

/// The sum of the third column of user_namespaces(7)'s `uid_map`.
fn mapped_ids(map: &str) -> u64 {
    map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum()
}

fn knows_map_auto() -> bool {
    let mut help = Command::new("unshare");
    help.arg("--help");
    tool::run(help, "").is_ok_and(|text| text.contains("--map-auto"))
}

fn refused(missing: &str, way_out: &'static str) -> LabError {
    LabError::Rights { missing: missing.to_owned(), way_out }
}

static ALONE: Mutex<()> = Mutex::new(());
const WAY_OUT: &str = "`make setup`, as an administrator, allows it; or run this as root";
const CALL_ENSURE: &str =
    "call `bulkhead_lab::rights::ensure()` first, or run this as root; `make setup` prepares both";
/// Uids from 0 to that of `nobody`: less than subuid(5) gives by default, more than any account of a lab.
const ENOUGH_IDS: u64 = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_belongs_to_a_name_or_a_uid() {
        let ranges = "alice:100000:65536\n1001:165536:1000\n";
        for (name, uid, size) in [("alice", 7, Some(65_536)), ("bob", 1001, Some(1000)), ("carol", 8, None)] {
            assert_eq!(range_of(ranges, name, Uid::from_raw(uid)), size, "{name}");
        }
    }

    #[test]
    fn a_namespace_of_one_uid_is_not_enough() {
        assert!(mapped_ids("         0       1001          1\n") < ENOUGH_IDS);
        assert!(mapped_ids("         0       1001          1\n         1     100000      65535\n") >= ENOUGH_IDS);
    }
}
