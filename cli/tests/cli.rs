//! The real binary against a CA that is a mock: see `support`.
#![allow(clippy::unwrap_used, reason = "a test stops at what fails")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use support::{Ca, Mesh, Run};
use tempfile::TempDir;

/// An operator with a home, and a CA that answers.
struct Scene {
    mesh: Mesh,
    ca: Ca,
    home: TempDir,
}

impl Scene {
    fn new() -> Self {
        let mesh = Mesh::new();
        let ca = Ca::showing(&mesh, mesh.ca());
        Self { mesh, ca, home: tempfile::tempdir().unwrap() }
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::by(self.home(), &self.mesh, self.mesh.operator(), arguments).at(&self.ca)
    }

    /// The one request that the last run sent.
    fn call(&self) -> String {
        self.ca.calls().pop().unwrap()
    }
}

const NAME: &str = "07070707070707070707070707070707";
const REGISTER: &[&str] =
    &["workload", "register", "--workload", "ns/shop/sa/web", "--node", "n1", "--address", "10.77.1.1"];
const CREATE: &[&str] =
    &["service", "create", "--name", "db", "--address", "10.77.200.1", "--port", "80", "--workload", "ns/shop/sa/db"];

#[test]
fn each_command_asks_what_it_says_and_shows_the_answer() {
    let scene = Scene::new();
    fs::write(scene.home().join("policy.yaml"), "mesh-cidrs: [10.77.0.0/16]\n").unwrap();
    let token: &[_] = &["token", "create", "--node", "n9", "--clearance", "confidential", "--lifetime", "5m"];
    for (arguments, sent, shown) in [
        (&["node", "list"][..], "ListNodesRequest", "silent-1  1      restricted:pci  admitted  65656565"),
        (&["node", "show", "n1"], "ListNodesRequest", "expires:    2026-11-24T18:36:52Z"),
        (
            &["node", "revoke", "n1", "--reason", "gone"],
            "node: \"n1\", reason: \"gone\"",
            "revoked n1 (epoch 1) at 2026",
        ),
        (
            &["node", "admit", "n9", "--clearance", "confidential:pci"],
            "node: \"n9\", clearance: \"confidential:pci\", lifetime_seconds: 86400",
            "admits n9 with confidential:pci when it comes, until 2026-11-24T18:36:52Z",
        ),
        (token, "node: \"n9\", clearance: \"confidential\", lifetime_seconds: 300", "bulkhead-join-v1.c2VjcmV0\n"),
        (REGISTER, "label: \"\", address: [10, 77, 1, 1], uid: 10101, gid: 10101", "label:     internal"),
        (&["workload", "list"], "ListWorkloadsRequest", "ns/shop/sa/web"),
        (&["workload", "remove", NAME], "registration: [7, 7", "removed 0707"),
        (CREATE, "port: 80, workload: \"ns/shop/sa/db\", target_port: 80", "endpoints:    2"),
        (&["service", "list"], "ListServicesRequest", "db    10.77.200.1  80    ns/shop/sa/db  8080         2"),
        (&["policy", "apply", "-f", "policy.yaml"], "yaml: \"mesh-cidrs: [10.77.0.0/16]\\n\"", "applied as fact 7"),
        (&["policy", "show"], "ShowPolicyRequest", "default: same-label\nmesh-cidrs:\n"),
        (&["status"], "StatusRequest", "watchers:      5"),
    ] {
        let ended = scene.run(arguments).end().expect(0);
        assert!(scene.call().contains(sent), "{arguments:?}: {}", scene.call());
        assert!(ended.stdout.contains(shown), "{arguments:?}: {}", ended.stdout);
    }
}

#[test]
fn what_programs_read_is_json_whatever_the_command() {
    let scene = Scene::new();
    fs::write(scene.home().join("policy.yaml"), "mesh-cidrs: [10.77.0.0/16]\n").unwrap();
    for (arguments, pointer, value) in [
        (&["node", "list"][..], "/0/name", "n1"),
        (&["node", "show", "n1"], "/expires", "2026-11-24T18:36:52.000Z"),
        (&["node", "revoke", "n1", "--reason", "gone"], "/receipt", "null"),
        (&["node", "revoke", "n1", "--reason", "gone", "--wait"], "/receipt/complete", "true"),
        (&["node", "admit", "n9", "--clearance", "internal"], "/expires", "2026-11-24T18:36:52.000Z"),
        (&["token", "create", "--node", "n9", "--clearance", "internal"], "/token", "bulkhead-join-v1.c2VjcmV0"),
        (&["token", "create", "--node", "n9", "--clearance", "internal", "--out", "t"], "/file", "t"),
        (REGISTER, "/id", NAME),
        (&["workload", "list"], "/0/state", "registered"),
        (&["workload", "remove", NAME], "/removed", NAME),
        (CREATE, "/target_port", "80"),
        (&["service", "list"], "/0/endpoints", "2"),
        (&["policy", "apply", "-f", "policy.yaml"], "/position/n", "7"),
        (&["policy", "show"], "/policy/default", "same-label"),
        (&["status"], "/audit_head", &"ab".repeat(32)),
    ] {
        let ended = scene.run(&[arguments, &["-o", "json"]].concat()).end().expect(0);
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let found = json.pointer(pointer).unwrap();
        let found = found.as_str().map_or_else(|| found.to_string(), String::from);
        assert_eq!(found, value, "{arguments:?} {pointer}: {}", ended.stdout);
    }
}

#[test]
fn a_node_that_answers_in_the_cas_place_gets_no_call() {
    let mesh = Mesh::new();
    let impostor = Ca::showing(&mesh, mesh.node());
    let home = tempfile::tempdir().unwrap();
    let arguments = ["node", "revoke", "n1", "--reason", "gone"];
    let ended = Run::by(home.path(), &mesh, mesh.operator(), &arguments).at(&impostor).end().expect(4);
    assert!(ended.stderr.contains("is not the CA"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: nothing was sent there"), "{}", ended.stderr);
    assert_eq!((impostor.calls(), ended.stdout.as_str()), (vec![], ""));
}

#[test]
fn a_ca_of_another_mesh_gets_no_call() {
    let (mesh, other) = (Mesh::new(), Mesh::new());
    let ca = Ca::showing(&other, other.ca());
    let home = tempfile::tempdir().unwrap();
    let ended = Run::by(home.path(), &mesh, mesh.operator(), &["status"]).at(&ca).end().expect(4);
    assert!(ended.stderr.contains("is not the CA"), "{}", ended.stderr);
    assert_eq!(ca.calls(), Vec::<String>::new());
}

#[test]
fn the_second_address_counts_when_the_first_does_not_answer() {
    let scene = Scene::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let addresses = format!("{closed},{}", scene.ca.address);
    scene.run(&["status", "--ca", &addresses]).end().expect(0);
}

#[test]
fn without_a_key_it_says_where_it_looked() {
    let home = tempfile::tempdir().unwrap();
    let ended = Run::bare(home.path(), &["status", "--ca", "127.0.0.1:1"]).end().expect(4);
    let usual = home.path().join(".config/bulkhead/operator.pem").display().to_string();
    for place in [&usual, "/etc/bulkhead/operator.pem", "`BULKHEAD_IDENTITY`"] {
        assert!(ended.stderr.contains(place), "{}", ended.stderr);
    }
    let ended = Run::bare(home.path(), &["status", "--identity", "nowhere.pem"]).end().expect(4);
    assert!(ended.stderr.contains("looked for nowhere.pem\n"), "{}", ended.stderr);
}

#[test]
fn without_an_address_it_says_where_it_looked() {
    let (mesh, home) = (Mesh::new(), tempfile::tempdir().unwrap());
    let ended = Run::by(home.path(), &mesh, mesh.operator(), &["status"]).end().expect(4);
    assert!(ended.stderr.contains("looked at `--ca` and `BULKHEAD_CA`"), "{}", ended.stderr);
}

#[test]
fn a_ca_that_is_not_there_is_told_apart_from_one_that_refuses() {
    let (mesh, home) = (Mesh::new(), tempfile::tempdir().unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ended = Run::by(home.path(), &mesh, mesh.operator(), &["status", "--ca", &closed]).end().expect(4);
    assert!(ended.stderr.contains(&format!("`{closed}` cannot be reached")), "{}", ended.stderr);
}

#[test]
fn a_key_that_is_no_operators_or_has_ended_is_not_shown_to_anybody() {
    let (mesh, home) = (Mesh::new(), tempfile::tempdir().unwrap());
    let ca = Ca::showing(&mesh, mesh.ca());
    for (shown, word) in [(mesh.node(), "which is no operator"), (mesh.late_operator(), "ended at")] {
        let ended = Run::by(home.path(), &mesh, shown, &["status"]).at(&ca).end().expect(4);
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
    assert_eq!(ca.calls(), Vec::<String>::new());
}

#[test]
fn a_refusal_is_shown_in_the_cas_words() {
    let scene = Scene::new();
    let yaml = "mesh-cidrs: [10.77.0.0/16]\ndefault-label: public\n";
    let ended = scene.run(&["policy", "apply", "-f", "-"]).input(yaml).end().expect(1);
    assert_eq!(ended.stderr, "error: only an owner may loosen[2J the policy\nhint: ask one\n");
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_receipt_is_printed_and_its_silent_instances_are_an_exit_code() {
    let scene = Scene::new();
    let revoke = |node| scene.run(&["node", "revoke", node, "--reason", "gone", "--wait", "--timeout", "2s"]).end();
    let revoked = "(epoch 1) at 2026-11-24T17:36:52Z; ";

    let complete = revoke("n1").expect(0).stdout;
    assert_eq!(complete, format!("revoked n1 {revoked}5 of 5 enforce it, after 41 ms; 3 connections closed\n"));
    assert!(scene.call().contains("wait_millis: 2000"), "{}", scene.call());

    let silent = revoke("silent-1").expect(3).stdout;
    let ledger = format!("ns/pay/sa/ledger on n4: may go on until 2026-11-24T18:36:52Z (instance {NAME})\n");
    let first = format!("revoked silent-1 {revoked}4 of 5 enforce it, after 41 ms; 3 connections closed\n");
    assert_eq!(silent, first + &ledger);
}

#[test]
fn a_revocation_whose_receipt_is_lost_is_told_all_the_same() {
    let scene = Scene::new();
    let ended = scene.run(&["node", "revoke", "broken-1", "--reason", "gone", "--wait"]).end().expect(3);
    assert!(ended.stdout.starts_with("revoked broken-1 (epoch 1) at "), "{}", ended.stdout);
    assert!(ended.stderr.contains("its receipt did not arrive\n  because: the receipt is lost"), "{}", ended.stderr);
}

#[test]
fn a_revocation_without_a_terminal_is_neither_asked_about_nor_looked_up_first() {
    let scene = Scene::new();
    let ended = scene.run(&["node", "revoke", "n1", "--reason", "gone"]).input("n2\n").end().expect(0);
    assert_eq!(ended.stderr, "");
    let calls = scene.ca.calls();
    assert!(matches!(&calls[..], [call] if call.starts_with("RevokeNodeRequest")), "{calls:?}");
}

#[test]
fn a_revocation_on_a_terminal_needs_the_nodes_name_or_yes() {
    let revokes = |scene: &Scene| scene.ca.calls().iter().any(|call| call.starts_with("RevokeNodeRequest"));
    let revoke = ["node", "revoke", "n1", "--reason", "gone"];

    let scene = Scene::new();
    let ended = scene.run(&revoke).end_on_a_terminal("y").expect(1);
    assert!(ended.stderr.contains("Type its name to revoke it: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: `--yes` revokes without asking"), "{}", ended.stderr);
    assert!(!revokes(&scene));

    scene.run(&revoke).end_on_a_terminal("n1").expect(0);
    assert!(revokes(&scene));

    let scene = Scene::new();
    let ended = scene.run(&[&revoke[..], &["--yes"]].concat()).end_on_a_terminal("").expect(0);
    assert_eq!((ended.stderr.as_str(), scene.ca.calls().len()), ("", 1));
}

#[test]
fn a_mistyped_node_is_answered_with_the_near_names() {
    let scene = Scene::new();
    let register = [&REGISTER[..4], &["--node", "slient-1"], &REGISTER[6..]].concat();
    for arguments in [&["node", "revoke", "slient-1", "--reason", "gone"][..], &["node", "show", "slient-1"], &register]
    {
        let ended = scene.run(arguments).end().expect(1);
        assert_eq!(ended.stderr, "error: there is no node `slient-1`\nhint: did you mean `silent-1`?\n");
    }
}

#[test]
fn a_token_goes_into_a_file_that_only_its_owner_reads_and_nowhere_else() {
    let scene = Scene::new();
    let arguments = ["token", "create", "--node", "n9", "--clearance", "internal", "--out", "n9.token"];
    let ended = scene.run(&arguments).end().expect(0);
    let path = scene.home().join("n9.token");
    assert_eq!(fs::read_to_string(&path).unwrap(), "bulkhead-join-v1.c2VjcmV0\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("c2VjcmV0"));

    // The file is there now, so no second token is made.
    scene.run(&arguments).end().expect(1);
    assert_eq!(scene.ca.calls().len(), 1);
}

#[test]
fn a_policy_with_a_mistake_is_refused_with_its_line_before_anything_is_sent() {
    let scene = Scene::new();
    let ended = scene.run(&["policy", "apply", "-f", "-"]).input("default: none\nrule: []\n").end().expect(1);
    assert!(ended.stderr.starts_with("error: stdin:2:1: "), "{}", ended.stderr);
    assert_eq!(scene.ca.calls(), Vec::<String>::new());
}

#[test]
fn a_policy_without_a_mesh_is_applied_with_a_loud_warning() {
    let scene = Scene::new();
    let ended = scene.run(&["policy", "apply", "-f", "-"]).input("default: none\n").end().expect(0);
    assert!(ended.stderr.starts_with("WARNING: `mesh-cidrs` is empty"), "{}", ended.stderr);
}

#[test]
fn what_is_mistyped_is_refused_before_a_key_is_read() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, word) in [
        (&["node", "revoke", "n1"][..], "--reason"),
        (&["node", "revoke", "N1", "--reason", "x"], "only a-z, 0-9"),
        (&["node", "revoke", "n1", "--reason", "x", "--timeout", "1s"], "--wait"),
        (&["node", "lsit"], "similar subcommand exists: 'list'"),
        (&["token", "create", "--node", "n1", "--clearance", "internal", "--lifetime", "1h30m"], "length of time"),
        (&["status", "--ca", "ca"], "is not `host:port`"),
        (&["policy", "apply"], "--file"),
    ] {
        let ended = Run::bare(home.path(), arguments).end().expect(2);
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_version_names_the_build() {
    let home = tempfile::tempdir().unwrap();
    let ended = Run::bare(home.path(), &["--version"]).end().expect(0);
    assert!(ended.stdout.starts_with("bulkhead 0.1.0 (build "), "{}", ended.stdout);
}
