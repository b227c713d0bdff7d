//! Texts of `/proc`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::ClockError;

/// A file of `/proc` and its whole text, which is at hand for the error when it does not say what it should.
pub(super) struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// Reads `path`. Bytes that are not UTF-8 are replaced, for a process may give itself any name.
    pub(super) fn read(path: impl AsRef<Path>) -> Result<Self, ClockError> {
        let path = path.as_ref().to_owned();
        match fs::read(&path) {
            Ok(bytes) => Ok(Self { path, text: String::from_utf8_lossy(&bytes).into_owned() }),
            Err(source) => Err(ClockError::Read { path, source }),
        }
    }

    /// Reads `/proc/<pid>/<name>`.
    pub(super) fn of_process(pid: u32, name: &str) -> Result<Self, ClockError> {
        Self::read(format!("/proc/{pid}/{name}")).map_err(|error| match error {
            ClockError::Read { source, .. } if says_gone(&source) => ClockError::Gone { pid },
            other => other,
        })
    }

    /// What `parse` finds in the text; `what` is what it looks for, in the words of an error.
    pub(super) fn parse<T>(&self, parse: impl FnOnce(&str) -> Option<T>, what: &'static str) -> Result<T, ClockError> {
        parse(&self.text).ok_or_else(|| ClockError::Silent { path: self.path.clone(), what })
    }
}

/// The bytes in a line such as `Pss:    234 kB`, whose key is written with its colon.
pub(super) fn bytes_of(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024) // what /proc calls kB is 1,024 bytes
}

/// An ended process has no directory, or, if it ends between open and read, no memory map.
fn says_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_in_bytes() {
        let check = |text, expected| assert_eq!(bytes_of(text, "Pss:"), expected, "{text:?}");
        check("Rss:  1620 kB\nPss:   234 kB\nPss_Dirty:  116 kB\n", Some(234 * 1024));
        check("Pss:0 kB", Some(0));
        check("Pss_Dirty:  116 kB\n", None);
        check("Pss:  234 MB\n", None);
        check("Pss:  kB\n", None);
        check("Pss:  -1 kB\n", None);
        check("Pss:  18446744073709551615 kB\n", None);
        check("", None);
    }

    #[test]
    fn a_silent_file_is_named_with_what_it_lacks() {
        let file = File { path: "/proc/stat".into(), text: String::new() };
        let error = file.parse(|_| None::<()>, "how long the processors worked").unwrap_err();
        assert_eq!(error.to_string(), "/proc/stat does not say how long the processors worked");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|Pss: *[0-9]* *(kB)?") {
            let _ = bytes_of(&text, "Pss:");
        }
    }
}
