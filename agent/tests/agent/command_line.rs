//! The program as an operator meets it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use bulkhead_agent::args::Cli;
use bulkhead_mesh::Timestamp;
use clap::Parser as _;
use tokio::task::spawn_blocking;

use crate::world::{World, in_time, registration, until};

const AGENT: &str = env!("CARGO_BIN_EXE_bulkhead-agent");

#[test]
fn a_token_cannot_be_an_argument() {
    for arguments in [&["join", "--token", "x"][..], &["join", "bulkhead-join-v1.x"], &["join", "--secret", "x"]] {
        let all = ["bulkhead-agent"].iter().chain(arguments);
        assert!(Cli::try_parse_from(all).is_err(), "{arguments:?}");
    }
}

#[test]
fn every_help_ends_with_an_example() {
    for command in [&["--help"][..], &["join", "--help"], &["run", "--help"]] {
        let output = Command::new(AGENT).args(command).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, example) = text.rsplit_once("Example:\n").unwrap_or_else(|| panic!("{command:?} has no example"));
        assert!(example.lines().all(|line| line.trim_start().starts_with("bulkhead")), "{example}");
    }
}

#[test]
fn the_version_names_the_build() {
    let output = Command::new(AGENT).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("bulkhead-agent 0.1.0 (build "), "{text}");
}

#[test]
fn a_node_that_has_not_joined_is_told_how() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(AGENT).args(["run", "--state-dir"]).arg(home.path().join("state")).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("error: this node has not joined") && text.contains("hint: create a token"), "{text}");
}

#[tokio::test]
async fn the_program_joins_runs_and_ends_on_sigterm() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let world = World::at(Timestamp::EPOCH.plus(now));
    let ca = world.ca().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let token = world.token(&ca.address, 1).to_text().to_string();
    let (state, sockets) = (world.state(), world.home.path().join("sockets"));

    let mut join = Command::new(AGENT);
    join.args(["join", "--token-file", "-", "-o", "json", "--state-dir"]).arg(&state);
    let joined = spawn_blocking(move || with_input(join, &token)).await.unwrap();
    let joined: serde_json::Value = serde_json::from_slice(&joined).unwrap();
    assert_eq!(joined["id"], "spiffe://prod.example/node/n1");

    let mut run = Command::new(AGENT);
    run.args(["run", "--admin", "127.0.0.1:0", "--state-dir"]).arg(&state).arg("--socket-dir").arg(&sockets);
    let mut running = run.stderr(Stdio::null()).spawn().unwrap();
    let socket = world.socket(registration(1).id);
    until("the socket", || std::future::ready(socket.exists())).await;
    Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    let ended = in_time("the program to end", spawn_blocking(move || running.wait())).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

fn with_input(mut command: Command, input: &str) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    output.stdout
}
