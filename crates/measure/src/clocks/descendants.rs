//! The processes that a process has started, and those that they have started.

use std::fs;
use std::path::PathBuf;

use super::ClockError;
use super::status::Status;

/// The ids of all processes below `pid` that have not ended, in ascending order, without `pid` itself.
///
/// They are found by everybody's parent, as `/proc/*/stat` names it. `/proc/<pid>/task/*/children` would be shorter,
/// but many kernels are built without it (CONFIG_PROC_CHILDREN), and it is only right while nobody starts or ends. A
/// process whose parent has ended was given to another parent, so it is not found here.
pub fn children(pid: u32) -> Result<Vec<u32>, ClockError> {
    Status::of(pid)?;
    Ok(below(pid, &everybody()?))
}

/// A process and its parent.
#[derive(Clone, Copy, Debug)]
struct Kin {
    pid: u32,
    parent: u32,
}

/// All processes that have not ended; who ends while it is looked for is left out.
fn everybody() -> Result<Vec<Kin>, ClockError> {
    let error = |source| ClockError::Read { path: PathBuf::from("/proc"), source };
    let mut kin = Vec::new();
    for entry in fs::read_dir("/proc").map_err(error)? {
        let Some(pid) = entry.map_err(error)?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        match Status::of(pid) {
            Ok(status) if !status.ended => kin.push(Kin { pid, parent: status.parent }),
            Ok(_) | Err(ClockError::Gone { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(kin)
}

/// Whoever descends from `root`. Each is found at most once, so even a table with a circle, which two readings of a
/// changing system could show, comes to an end.
fn below(root: u32, kin: &[Kin]) -> Vec<u32> {
    let mut found = vec![root];
    let mut looked_at = 0;
    while let Some(&parent) = found.get(looked_at) {
        looked_at += 1;
        for child in kin.iter().filter(|kin| kin.parent == parent) {
            if !found.contains(&child.pid) {
                found.push(child.pid);
            }
        }
    }
    found.swap_remove(0);
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kin(pairs: &[(u32, u32)]) -> Vec<Kin> {
        pairs.iter().map(|&(pid, parent)| Kin { pid, parent }).collect()
    }

    #[test]
    fn all_generations_are_found_and_nobody_else() {
        let check = |root, pairs: &[(u32, u32)], expected: &[u32]| assert_eq!(below(root, &kin(pairs)), expected);
        check(10, &[(1, 0), (10, 1), (12, 10), (11, 10), (20, 1)], &[11, 12]);
        check(10, &[(13, 12), (12, 11), (11, 10), (10, 1)], &[11, 12, 13]);
        check(10, &[(1, 0), (10, 1)], &[]);
        check(10, &[(11, 10), (10, 11)], &[11]);
        check(10, &[], &[]);
    }

    proptest! {
        #[test]
        fn the_search_ends_and_finds_each_once(pairs in prop::collection::vec((0..20_u32, 0..20_u32), 0..40)) {
            let found = below(7, &kin(&pairs));
            prop_assert!(found.is_sorted_by(|one, next| one < next) && !found.contains(&7));
        }
    }
}
