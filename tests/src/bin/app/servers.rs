//! The servers: a thread per connection, as simple applications are.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// What a file server gives away.
pub(crate) struct Content {
    hex: String,
    name: String,
    broken: AtomicBool,
}

type Serve = fn(TcpStream, &Content) -> io::Result<()>;

/// Serves until it is killed.
#[allow(clippy::print_stdout, reason = "the harness waits for this line")]
pub(crate) fn listen(address: &str, serve: Serve) -> io::Result<String> {
    let listener = TcpListener::bind(address)?;
    let content =
        Arc::new(Content { hex: random_hex(1 << 20)?, name: address.to_owned(), broken: AtomicBool::new(false) });
    println!("listening on {address}");
    for stream in listener.incoming() {
        let (stream, content) = (stream?, Arc::clone(&content));
        // A client that leaves early is no failure of a server.
        thread::spawn(move || drop(serve(stream, &content)));
    }
    Ok("nobody comes any more".to_owned())
}

pub(crate) fn files(mut stream: TcpStream, content: &Content) -> io::Result<()> {
    let request = read_request(&stream)?;
    match request.split(' ').nth(1).unwrap_or("/") {
        "/hex" => reply(&mut stream, content.hex.as_bytes()),
        "/name" => reply(&mut stream, content.name.as_bytes()),
        "/endless" => endless(&mut stream),
        "/break" => {
            content.broken.store(true, Ordering::Relaxed);
            reply(&mut stream, b"broken from now on\n")
        }
        "/health" if !content.broken.load(Ordering::Relaxed) => reply(&mut stream, b"well\n"),
        "/health" => {
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    }
}

/// The first line of a request that was read to the end of its headers: what is left unread when a socket is closed makes the
/// end a reset.
fn read_request(stream: &TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    Ok(first)
}

pub(crate) fn echo(mut stream: TcpStream, _: &Content) -> io::Result<()> {
    io::copy(&mut stream.try_clone()?, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

pub(crate) fn resets(mut stream: TcpStream, _: &Content) -> io::Result<()> {
    stream.read_exact(&mut [0; 5])?;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}

#[allow(clippy::print_stdout, reason = "the harness waits for this line")]
pub(crate) fn witness(mut stream: TcpStream, _: &Content) -> io::Result<()> {
    let mut five = [0; 5];
    stream.read_exact(&mut five)?;
    stream.write_all(&five)?;
    println!("saw {}", crate::clients::end_of(&mut stream));
    Ok(())
}

fn reply(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn endless(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    // A few kilobytes each millisecond: the wire is never idle for long, so that the moment at which it falls silent can
    // be measured, and never so full that a capture would lose packets.
    let chunk = [b'x'; 8 * 1024];
    loop {
        stream.write_all(&chunk)?;
        thread::sleep(Duration::from_millis(1));
    }
}

fn random_hex(digits: usize) -> io::Result<String> {
    let mut bytes = vec![0; digits / 2];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}
