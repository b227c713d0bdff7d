//! `lab-app ROLE ADDRESS`: an ordinary application, which knows nothing of any mesh.
//!
//! Servers, which print `listening` and then serve: `files` (HTTP: `/hex` is 1 MiB of hexadecimal digits that differ at
//! each start, `/name` the address it listens on, `/endless` goes on until the client leaves, `/health` is well until `/break`
//! was asked for), `echo`, `resets` (resets each connection after five bytes), `witness` (echoes five bytes, then prints how the
//! client ended), `health` (answers the gRPC health protocol with SERVING), and `idle`, which waits to be killed.
//!
//! Clients, which print one line: `half-close` (sends, closes its direction, counts the answer), `reset` (sends five
//! bytes, gets them back, resets), `wait` (sends five bytes and says how the server ended), `silent` and `garbage` (say
//! nothing, or no sense, and say how the server ended), `fetch` (one HTTP request for a path, with a time
//! limit), `download` (of `/endless`: prints `begun`, and says how it ended), `load` (such
//! requests one after the other; prints each failure, and every second how many there were).

mod clients;
mod health;
mod http;
mod servers;

use std::process::ExitCode;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for tests, watched through its output")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["--version"] => {
            let build = option_env!("BULKHEAD_BUILD_ID").unwrap_or("unset");
            Ok(format!("lab-app {} (build {build})", env!("CARGO_PKG_VERSION")))
        }
        ["files", address] => servers::listen(address, servers::files),
        ["echo", address] => servers::listen(address, servers::echo),
        ["resets", address] => servers::listen(address, servers::resets),
        ["health", address] => health::listen(address),
        ["idle"] => loop {
            std::thread::park();
        },
        ["fetch", address, path] => http::fetch(address, path),
        ["download", address] => http::download(address),
        ["load", address, path] => http::load(address, path),
        ["witness", address] => servers::listen(address, servers::witness),
        ["half-close", address] => clients::half_close(address),
        ["reset", address] => clients::reset(address),
        ["wait", address] => clients::say(address, b"hello"),
        ["silent", address] => clients::say(address, b""),
        ["garbage", address] => clients::say(address, &b"GET / HTTP/1.1\r\n\r\n".repeat(50)),
        _ => {
            eprintln!("usage: lab-app ROLE ADDRESS [PATH]");
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}
