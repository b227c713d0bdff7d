//! `bulkhead`: see `bulkhead --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulkhead_cli::main().into()
}
