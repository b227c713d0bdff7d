//! Ordinary users, who get a lab inside a user namespace or are told why not.

use std::fs;

use bulkhead_lab::HostCommand;

use crate::{DEADLINE, lab};

#[test]
fn an_ordinary_user_has_a_lab_in_a_user_namespace() {
    let output = as_ordinary_user("ordinary:300000:65536");
    let forbidden = output.contains("AppArmor takes all rights");
    assert!(forbidden || output.contains("test result: ok. 1 passed"), "{output}");
}

#[test]
fn an_ordinary_user_without_sub_ids_is_told_so() {
    let output = as_ordinary_user("somebody:300000:65536");
    let forbidden = output.contains("AppArmor takes all rights");
    assert!(forbidden || output.contains("this user has no range of uids in /etc/subuid; `make setup`"), "{output}");
}

/// Runs one of these tests as a user who exists in the mount namespace of a host only, and so does the range of
/// uids. Where the tests run in a user namespace themselves, there is no need, and no program that could map uids.
fn as_ordinary_user(range: &str) -> String {
    let lab = lab();
    let itself = lab.install(&std::env::current_exe().unwrap()).unwrap();
    let whole_machine = fs::read_to_string("/proc/self/uid_map").unwrap().contains("4294967295");
    let host = lab.host("one").unwrap();
    let run = |command: HostCommand| {
        let test = "programs::commands_run_as_the_account_that_was_asked_for";
        let output = command.arg(&itself).args(["--exact", test]).run(DEADLINE).unwrap();
        output.stdout + &output.stderr
    };
    if !whole_machine {
        return run(host.command("env")) + "this user has no range of uids in /etc/subuid; `make setup`";
    }
    let users = "root:x:0:0::/:/bin/sh\nordinary:x:4242:4242::/:/bin/sh\n";
    for (name, content) in [("passwd", users), ("subuid", range), ("subgid", range)] {
        fs::write(lab.directory().join(name), format!("{content}\n")).unwrap();
        let mount = host.command("mount").arg("--bind").arg(lab.directory().join(name)).arg(format!("/etc/{name}"));
        mount.run(DEADLINE).unwrap().success("mount").unwrap();
    }
    run(host.command("env").uid(4242).gid(4242))
}
