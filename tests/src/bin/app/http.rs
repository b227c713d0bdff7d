//! HTTP clients that need nothing but a socket: they run in images that have nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::{Duration, Instant};

/// One request; what came back in a line.
pub(crate) fn fetch(address: &str, path: &str) -> io::Result<String> {
    let (status, body) = get(address, path)?;
    let beginning = String::from_utf8_lossy(&body[..body.len().min(LEGIBLE)]).trim_end().to_owned();
    if status.contains(" 200 ") {
        Ok(format!("{} bytes: {beginning}", body.len()))
    } else {
        Err(io::Error::other(status))
    }
}

/// Requests one after the other until it is killed.
#[allow(clippy::print_stdout, reason = "whoever tests reads the counts")]
pub(crate) fn load(address: &str, path: &str) -> io::Result<String> {
    let (mut fetched, mut failed, mut told) = (0_u64, 0_u64, Instant::now());
    loop {
        match fetch(address, path) {
            Ok(_) => fetched += 1,
            Err(error) => {
                failed += 1;
                println!("failure: {error}");
            }
        }
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            println!("{fetched} fetched, {failed} failed");
        }
        thread::sleep(PACE);
    }
}

/// A download that only its server, or whoever is between, can end.
#[allow(clippy::print_stdout, reason = "whoever tests waits for this line")]
pub(crate) fn download(address: &str) -> io::Result<String> {
    let mut stream = connect(address)?;
    stream.write_all(b"GET /endless HTTP/1.1\r\n\r\n")?;
    let mut heard = [0; 16 * 1024];
    stream.read_exact(&mut heard)?;
    println!("begun");
    Err(io::Error::other(format!("the download ended with {}", crate::clients::end_of(&mut stream))))
}

/// The status line and the body, whole.
fn get(address: &str, path: &str) -> io::Result<(String, Vec<u8>)> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(malformed)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.lines().next().ok_or_else(malformed)?.to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
    let body = answer.split_off(end + 4);
    match length {
        Some(length) if length != body.len() => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} of {length} bytes came", body.len())))
        }
        _ => Ok((status, body)),
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

const PATIENCE: Duration = Duration::from_secs(10);
const PACE: Duration = Duration::from_millis(10);
const LEGIBLE: usize = 100;
