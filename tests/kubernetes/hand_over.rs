//! What founding has made goes into Secrets once, by the real program.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use bulkhead_lab::binaries;
use bulkhead_tests::kubernetes::ApiServer;

use crate::mesh::server;

#[test]
fn files_go_into_objects_once_and_never_over_something_else() {
    let server = server();
    let directory = tempfile::tempdir().unwrap();
    let secret = "hand-over-key";
    let hand_over = |needed: &[&str]| {
        let orders = ["--secret=hand-over-key=key", "--config-map=hand-over-trust=root.pem"];
        run(&server, directory.path(), &[&orders[..], needed].concat()).unwrap()
    };
    let (done, said) = hand_over(&[]);
    assert!(done && said.contains("Secret hand-over-key: nothing to hand over, and nothing is in its place"), "{said}");
    let (done, said) = hand_over(&["--needed=hand-over-key"]);
    assert!(!done && said.contains("`hand-over-key` is nowhere"), "{said}");

    // The chart makes its objects empty; others are made.
    server.kubectl(&["create", "secret", "generic", secret]).unwrap().output().unwrap();
    fs::write(directory.path().join("key"), "first").unwrap();
    fs::write(directory.path().join("root.pem"), "root").unwrap();
    let (done, said) = hand_over(&["--needed=hand-over-key"]);
    assert!(done && said.contains("Secret hand-over-key: filled"), "{said}");
    assert!(said.contains("ConfigMap hand-over-trust: made"), "{said}");
    let stored = server.kubectl(&["get", "secret", secret, "-o", "jsonpath={.data.key}"]).unwrap().output().unwrap();
    assert_eq!(stored, "Zmlyc3Q=");

    let (done, said) = hand_over(&[]);
    assert!(done && said.contains("Secret hand-over-key: was handed over before"), "{said}");
    fs::write(directory.path().join("key"), "second").unwrap();
    let (done, said) = hand_over(&[]);
    assert!(!done && said.contains("holds something else; it stays as it is"), "{said}");
    let stored = server.kubectl(&["get", "secret", secret, "-o", "jsonpath={.data.key}"]).unwrap().output().unwrap();
    assert_eq!(stored, "Zmlyc3Q=");

    // After a restart what was in memory is gone.
    fs::remove_file(directory.path().join("key")).unwrap();
    let (done, said) = hand_over(&["--needed=hand-over-key"]);
    assert!(done && said.contains("Secret hand-over-key: nothing to hand over, and it is in its place"), "{said}");
}

/// Whether it did it, and everything that it said.
fn run(server: &ApiServer, from: &Path, words: &[&str]) -> Result<(bool, String)> {
    let mut command = Command::new(binaries::find("bulkhead-kubernetes")?);
    command.env("KUBECONFIG", server.kubeconfig()).arg("hand-over").arg("--from").arg(from).args(words);
    let ended = command.output()?;
    let said = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((ended.status.success(), said.concat()))
}
