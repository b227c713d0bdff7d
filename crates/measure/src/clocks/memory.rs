//! The memory of a process.

use super::ClockError;
use super::file::{File, bytes_of};

/// Bytes of memory that a process accounts for: what it has alone, and of each page that it shares with others its part
/// (PSS). The sum over all processes of a proxy counts nothing twice, so it may be compared whether a proxy is one
/// process or several. Swapped pages are not in it. Reading it needs the right to trace the process.
pub fn proportional_set_size(pid: u32) -> Result<u64, ClockError> {
    rollup(pid)?.parse(|text| bytes_of(text, "Pss:"), "the proportional set size")
}

/// Bytes of memory that a process sees as present, shared pages in full (RSS). Counted page by page, unlike the figure
/// in `/proc/<pid>/statm`, which lags behind by some pages for each processor.
pub fn resident(pid: u32) -> Result<u64, ClockError> {
    rollup(pid)?.parse(|text| bytes_of(text, "Rss:"), "the resident set size")
}

/// The sums over all mappings (Linux 4.14 and later).
fn rollup(pid: u32) -> Result<File, ClockError> {
    File::of_process(pid, "smaps_rollup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sizes_are_found_in_what_the_kernel_writes() {
        assert_eq!(bytes_of(ROLLUP, "Pss:"), Some(239_616));
        assert_eq!(bytes_of(ROLLUP, "Rss:"), Some(1_658_880));
    }

    #[test]
    fn a_process_has_some_memory_and_shares_some() {
        let own = std::process::id();
        let (proportional, resident) = (proportional_set_size(own).unwrap(), resident(own).unwrap());
        assert!(0 < proportional && 0 < resident, "{proportional} of {resident}");
    }

    #[test]
    fn the_memory_of_nobody_is_an_error_in_words() {
        let error = proportional_set_size(u32::MAX).unwrap_err();
        assert_eq!(error.to_string(), "there is no process 4294967295: it has ended, or never was");
    }

    /// As Linux 6.18 writes it.
    const ROLLUP: &str = "\
55f7adb1d000-7ffe59939000 ---p 00000000 00:00 0                          [rollup]
Rss:                1620 kB
Pss:                 234 kB
Pss_Dirty:           116 kB
Pss_Anon:            116 kB
Pss_File:            118 kB
Pss_Shmem:             0 kB
Shared_Clean:       1464 kB
Shared_Dirty:          0 kB
Private_Clean:        40 kB
Private_Dirty:       116 kB
Referenced:         1620 kB
Anonymous:           116 kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
";
}
