//! The clients: each does one thing and says in one line what came of it.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

pub(crate) fn half_close(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&vec![b'x'; 100_000])?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(format!("{} bytes came back", answer.len()))
}

pub(crate) fn reset(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"hello")?;
    stream.read_exact(&mut [0; 5])?;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok("reset it".to_owned())
}

pub(crate) fn say(address: &str, words: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    // Whoever hangs up at once is heard of below.
    let _ = stream.write_all(words);
    Ok(format!("saw {}", end_of(&mut stream)))
}

/// Reads on, and says how the other side ended.
pub(crate) fn end_of(stream: &mut TcpStream) -> &'static str {
    let mut heard = [0; 4096];
    loop {
        match stream.read(&mut heard) {
            Ok(0) => return "a clean end",
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return "a reset",
            Err(_) => return "another failure",
        }
    }
}
