//! `make demo`: the story, from an empty machine to a node that was revoked.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulkhead_tests::demo::tell()
}
