//! `lab-cluster [demo|all]`: the story on a real Kubernetes.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulkhead_tests::cluster::tell()
}
