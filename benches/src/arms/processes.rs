//! Which processes a proxy consists of.

use std::fs;

/// A process and those that it started, and they: by the parents' numbers, since not every kernel lists children.
pub(super) fn family(pid: u32) -> Vec<u32> {
    let everybody: Vec<(u32, u32)> = all().collect();
    let mut family = vec![pid];
    let mut seen = 0;
    while let Some(parent) = family.get(seen).copied() {
        family.extend(everybody.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        seen += 1;
    }
    family
}

/// Whether this process runs; one that has ended and was not waited for does not.
pub(super) fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// Every process of the machine, with its parent.
fn all() -> impl Iterator<Item = (u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?.1)))
}

/// State and parent, behind the name in parentheses, in which anything may stand (proc_pid_stat(5)).
fn stat(pid: u32) -> Option<(String, u32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = line.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_family_has_the_children_of_children() {
        let shell = ["-c", "sh -c 'cat; :' ; :"];
        let mut child = Command::new("sh").args(shell).stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        while family(pid).len() < 3 {
            assert!(is_running(pid));
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!is_running(pid));
        assert_eq!(family(pid), [pid]);
    }
}
