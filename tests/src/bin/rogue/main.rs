//! `lab-rogue`: a client that keeps no rule, to show that the server's side is the boundary.
//!
//! `fetch SOCKET FILE` takes a workload's key and chain from its agent, as root in the pod could. `connect IDENTITY TO
//! AUTHORITY` opens a tunnel to TO with that identity (a PEM file, `none`,
//! `self-signed` or `other-authority`), checks nothing about the
//! server, asks for AUTHORITY, and prints one line: `refused ..` (before the tunnel stood), `status N`, or `failed ..`.
//! With a third argument after AUTHORITY it sends that text and prints what came back.

mod fetch;
mod identity;
mod tunnel;
mod unchecked;

use std::process::ExitCode;

use anyhow::{Result, bail};

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for tests, read by its output")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["--version"] {
        println!(
            "lab-rogue {} (build {})",
            env!("CARGO_PKG_VERSION"),
            option_env!("BULKHEAD_BUILD_ID").unwrap_or("unset")
        );
        return ExitCode::SUCCESS;
    }
    match run(&words).await {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[String]) -> Result<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["fetch", socket, file] => fetch::fetch(socket, file).await,
        ["connect", identity, to, authority] => tunnel::connect(identity, to, authority, None).await,
        ["connect", identity, to, authority, text] => tunnel::connect(identity, to, authority, Some(text)).await,
        _ => bail!("usage: lab-rogue fetch SOCKET FILE | connect IDENTITY TO AUTHORITY [TEXT]"),
    }
}
