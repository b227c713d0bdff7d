//! A stream without end, and its reader, who says how it ended after all.

use std::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// How a stream ended for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was broken off.
    Reset,
    /// As if all had been said.
    Clean,
}

/// Sends to whoever connects until it is killed; `listening` is called once.
pub fn pour(address: &str, listening: impl FnOnce()) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    listening();
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || pour_into(stream));
    }
    Ok(())
}

/// Reads to the end; `flowing` is called at the first bytes.
pub fn drink(address: &str, flowing: impl FnOnce()) -> Result<Ended> {
    let mut stream = TcpStream::connect(address)?;
    let mut taken = [0; 16 << 10];
    let mut flowing = Some(flowing);
    loop {
        match stream.read(&mut taken) {
            Ok(0) => return Ok(Ended::Clean),
            Ok(_) => flowing.take().into_iter().for_each(|flowing| flowing()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Ended::Reset),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The wire is never idle for longer than a scheduler's slice, so that the moment at which it falls silent can be
/// measured, and never so full that a capture would lose packets.
fn pour_into(mut stream: TcpStream) {
    let chunk = [b'x'; 4 << 10];
    while stream.write_all(&chunk).is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "ended by a reset",
            Self::Clean => "ended as if all had been said",
        })
    }
}
