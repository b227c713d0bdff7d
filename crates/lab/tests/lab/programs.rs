//! Programs in hosts: as whom they run, and that they end.

use bulkhead_lab::{LabError, until};

use crate::{DEADLINE, WATCHED, is_alive, lab};

#[test]
fn commands_run_as_the_account_that_was_asked_for() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let status = |command: bulkhead_lab::HostCommand| {
        let shown =
            command.args(["-E", "^(Uid|Gid|Groups|CapEff|CapBnd):", "/proc/self/status"]).run(DEADLINE).unwrap();
        shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let plain = status(host.command("grep").uid(10101).gid(10102));
    assert!(
        plain.starts_with("Uid: 10101 10101 10101 10101 Gid: 10102 10102 10102 10102 Groups: CapEff: 0000000000000000")
    );
    let bind_only = status(host.command("grep").uid(10101).gid(10102).keep_capabilities(&["net_bind_service"]));
    assert!(bind_only.contains("CapEff: 0000000000000400"), "{bind_only}");
    let dropped = status(host.command("grep").drop_capabilities(&["net_admin"]));
    let bounds = u64::from_str_radix(dropped.rsplit(' ').next().unwrap(), 16).unwrap();
    assert_eq!(bounds & 1 << 12, 0, "{dropped}");
}

#[test]
fn commands_get_their_input_and_only_the_environment_that_was_given() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let echo = host.command("sh").args(["-c", "cat; echo $TOKEN$CARGO_MANIFEST_DIR; echo sad >&2; exit 3"]);
    let output = echo.env("TOKEN", "t").stdin("in ").run(DEADLINE).unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.status.code()), ("in t\n", "sad\n", Some(3)));
    assert!(matches!(output.success("sh"), Err(LabError::Failed { .. })));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let lab = lab();
    let script = "sleep 1000 & echo $!; wait";
    let late = lab.host("one").unwrap().command("sh").args(["-c", script]).run(WATCHED).unwrap_err();
    let LabError::Deadline { printed, .. } = &late else { panic!("{late}") };
    until(DEADLINE, "end of the child", || (!is_alive(printed.trim())).then_some(())).unwrap();
}

#[test]
fn killing_kills_the_program_inside_and_its_children() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let script = "sleep 1000 & echo child $!; trap '' TERM; echo me $$; wait";
    let process = host.command("sh").args(["-c", script]).uid(10101).gid(10101).spawn("stubborn").unwrap();
    let me = process.wait_for_log("me ", DEADLINE).unwrap();
    assert_eq!(me, format!("me {}", process.id()), "the process is the program itself, not what started it");
    let child = process.wait_for_log("child ", DEADLINE).unwrap().replace("child ", "");
    process.terminate().unwrap();
    assert!(process.wait(WATCHED).is_err(), "it ignores SIGTERM");
    assert!(process.is_running() && is_alive(&child));
    process.kill();
    assert!(!process.is_running() && !is_alive(&process.id().to_string()));
    until(DEADLINE, "end of the child", || (!is_alive(&child)).then_some(())).unwrap();
}

#[test]
fn a_terminated_process_ends_by_its_own_handler_and_keeps_its_log_apart() {
    let lab = lab();
    let host = lab.host("one").unwrap();
    let script = "trap 'echo bye; exit 4' TERM; echo up; sleep 1000 & wait";
    let start = || host.command("sh").args(["-c", script]).spawn("polite").unwrap();
    for _ in 0..2 {
        let process = start();
        process.wait_for_log("up", DEADLINE).unwrap();
        process.terminate().unwrap();
        assert_eq!(process.wait(DEADLINE).unwrap().code(), Some(4));
        assert_eq!(process.log().unwrap(), "up\nbye\n");
        let error = process.wait_for_log("never", DEADLINE).unwrap_err();
        assert!(matches!(error, LabError::EndedFirst { .. }), "{error}");
    }
}
