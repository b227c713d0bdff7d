//! The clocks of real processes: shells that burn time when they are told to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bulkhead_measure::clocks::{self, ClockError, ProcessorClock, memory};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

#[test]
fn a_process_that_worked_has_spent_more() {
    let mut shell = Shell::run(&format!("echo ready; read go; {BURN}; echo done; read end"));
    assert_eq!(shell.line(), "ready");
    let clock = ProcessorClock::of(shell.pid()).unwrap();
    let before = clock.spent().unwrap();
    shell.tell("go");
    assert_eq!(shell.line(), "done");
    let after = clock.spent().unwrap();
    assert!(Duration::ZERO < before && before < after, "{before:?} {after:?}");
}

#[test]
fn what_an_ended_child_spent_is_not_its_parents() {
    let mut shell = Shell::run(&format!("sh -c '{BURN}; echo $$; read end'; echo done; read end"));
    let child: u32 = shell.line().parse().unwrap();
    let childs = ProcessorClock::of(child).unwrap().spent().unwrap();
    shell.tell("end");
    assert_eq!(shell.line(), "done");
    let own = ProcessorClock::of(shell.pid()).unwrap().spent().unwrap();
    assert!(own < childs, "{own:?} {childs:?}");
}

#[test]
fn threads_that_ended_are_counted() {
    let clocks = [ProcessorClock::own(), ProcessorClock::of(std::process::id()).unwrap()];
    let before = clocks.map(|clock| clock.spent().unwrap());
    let thread = std::thread::spawn(|| {
        assert_ne!((0..1_000_000_u64).fold(1, |sum, next| std::hint::black_box(sum ^ next)), 0);
        Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
    });
    let spent = thread.join().unwrap();
    for (clock, before) in clocks.iter().zip(before) {
        let after = clock.spent().unwrap();
        assert!(after >= before + spent, "{before:?} {spent:?} {after:?}");
    }
}

#[test]
fn a_process_that_is_gone_is_an_error_in_words() {
    let mut shell = Shell::run("read end");
    let (pid, clock) = (shell.pid(), ProcessorClock::of(shell.pid()).unwrap());
    shell.tell("end");
    shell.process.wait().unwrap();
    let words = format!("there is no process {pid}: it has ended, or never was");
    assert_eq!(clock.spent().unwrap_err().to_string(), words);
    assert_eq!(ProcessorClock::of(pid).unwrap_err().to_string(), words);
    assert_eq!(memory::proportional_set_size(pid).unwrap_err().to_string(), words);
    assert_eq!(clocks::children(pid).unwrap_err().to_string(), words);
}

#[test]
fn a_process_that_ended_unnoticed_has_no_figures() {
    let mut shell = Shell::run("read end");
    let (pid, clock) = (shell.pid(), ProcessorClock::of(shell.pid()).unwrap());
    assert!(clocks::children(std::process::id()).unwrap().contains(&pid));
    shell.tell("end");
    let id = Id::Pid(Pid::from_raw(pid.cast_signed()));
    waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert!(matches!(clock.spent(), Err(ClockError::Ended { pid: ended }) if ended == pid));
    assert!(matches!(ProcessorClock::of(pid).unwrap().spent(), Err(ClockError::Ended { .. })));
    assert!(matches!(memory::resident(pid), Err(ClockError::Gone { pid: gone }) if gone == pid));
    assert!(!clocks::children(std::process::id()).unwrap().contains(&pid));
}

#[test]
fn children_of_children_are_found() {
    let mut shell = Shell::run("sh -c 'sh -c \"echo \\$\\$; read end; :\"; :' ; :");
    let youngest: u32 = shell.line().parse().unwrap();
    let below = clocks::children(shell.pid()).unwrap();
    assert_eq!(below.len(), 2, "{below:?}");
    assert!(below.contains(&youngest) && !below.contains(&shell.pid()), "{below:?}");
    assert_eq!(clocks::children(youngest).unwrap(), [0_u32; 0]);
}

#[test]
fn each_process_has_memory_of_its_own() {
    let mut shell = Shell::run("echo ready; read end");
    assert_eq!(shell.line(), "ready");
    let (part, whole) = (memory::proportional_set_size(shell.pid()).unwrap(), memory::resident(shell.pid()).unwrap());
    assert!(0 < part && part <= whole, "{part} of {whole}");
}

/// A second or less of work for a shell.
const BURN: &str = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";

/// A shell that runs one script and is spoken to by lines. What it started ends with it, for their stdin is the same.
struct Shell {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Shell {
    fn run(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, stdin, stdout }
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}
