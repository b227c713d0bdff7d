//! `lab-app ROLE ADDRESS`: an ordinary application, which knows nothing of any mesh.
//!
//! `files` answers HTTP: `/hex` is 1 MiB of hexadecimal digits that differ at each start, `/name` is the address it
//! listens on, `/endless` goes on until the client leaves. `echo` sends back what it gets, and ends when its client does.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for tests, watched through its output")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["--version"] {
        println!(
            "lab-app {} (build {})",
            env!("CARGO_PKG_VERSION"),
            option_env!("BULKHEAD_BUILD_ID").unwrap_or("unset")
        );
        return ExitCode::SUCCESS;
    }
    let [role, address] = &words[..] else {
        eprintln!("usage: lab-app files|echo ADDRESS");
        return ExitCode::from(2);
    };
    let serve: fn(TcpStream, &Content) -> io::Result<()> = match role.as_str() {
        "files" => files,
        "echo" => |stream, _| echo(stream),
        _ => {
            eprintln!("no role is called {role}");
            return ExitCode::from(2);
        }
    };
    match listen(address, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{address}: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Content {
    hex: String,
    name: String,
}

#[allow(clippy::print_stdout, reason = "the harness waits for this line")]
fn listen(address: &str, serve: fn(TcpStream, &Content) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let content = Arc::new(Content { hex: random_hex(1 << 20)?, name: address.to_owned() });
    println!("listening on {address}");
    for stream in listener.incoming() {
        let (stream, content) = (stream?, Arc::clone(&content));
        // A client that leaves early is no failure of a server.
        thread::spawn(move || drop(serve(stream, &content)));
    }
    Ok(())
}

fn files(mut stream: TcpStream, content: &Content) -> io::Result<()> {
    let mut request = String::new();
    BufReader::new(&stream).read_line(&mut request)?;
    let path = request.split(' ').nth(1).unwrap_or("/");
    match path {
        "/hex" => reply(&mut stream, content.hex.as_bytes()),
        "/name" => reply(&mut stream, content.name.as_bytes()),
        "/endless" => endless(&mut stream),
        _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    }
}

fn reply(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn endless(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    let chunk = [b'x'; 16 * 1024];
    loop {
        stream.write_all(&chunk)?;
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream.try_clone()?, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

fn random_hex(digits: usize) -> io::Result<String> {
    let mut bytes = vec![0; digits / 2];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}
