//! A single round trip through an arm, as its application would make it, to see whether the path stands.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bulkhead_measure::load::MARKER;

use crate::arm::Ends;

/// Tries again and again from the client's pod, until a round trip comes back; whoever asks is captured as the client
/// is, for only a proxy's user is not.
pub(super) fn until_answered(ends: &Ends, deadline: Duration) -> Result<()> {
    let service = ends.service;
    let answered = ends.client.inside(|| tries(deadline, |elapsed| once(service, patience(elapsed))))?;
    let Err(last) = answered else { return Ok(()) };
    bail!("no connection passed within {deadline:?}; the last one: {last}")
}

/// Whether a round trip comes back now.
pub(super) fn answers(ends: &Ends) -> bool {
    let service = ends.service;
    matches!(ends.client.inside(|| once(service, LONGEST)), Ok(Ok(())))
}

/// How long to wait for an answer when it was tried for so long. A proxy may keep a connection whose way on does not
/// stand yet, when another one would pass: so the wait is short beside what is measured, and long enough in the end.
fn patience(elapsed: Duration) -> Duration {
    (elapsed / 4).clamp(SHORTEST, LONGEST)
}

/// Tries until it succeeds, at least once; an attempt is told for how long it was tried before.
fn tries<E>(deadline: Duration, mut attempt: impl FnMut(Duration) -> Result<(), E>) -> Result<(), E> {
    let began = Instant::now();
    loop {
        let elapsed = began.elapsed();
        match attempt(elapsed) {
            Err(_) if elapsed < deadline => thread::sleep(PACE),
            last => return last,
        }
    }
}

/// Connect, 128 bytes there and back.
fn once(service: SocketAddr, patience: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&service, TO_CONNECT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    let message = message();
    stream.write_all(&message)?;
    let mut answer = [0; MESSAGE];
    stream.read_exact(&mut answer)?;
    if answer == message[1..] { Ok(()) } else { Err(io::Error::other("something else came back")) }
}

/// The application's protocol of one round trip, and a message that can be recognised on the wire.
fn message() -> Vec<u8> {
    let mut message = [&[ONCE], MARKER].concat();
    message.resize(1 + MESSAGE, b'.');
    message
}

const MESSAGE: usize = 128;
/// The first byte of a connection on which one message comes back.
const ONCE: u8 = b'o';
/// A pause that leaves the processors to the proxies that start, and is short beside what it measures.
const PACE: Duration = Duration::from_millis(1);
const TO_CONNECT: Duration = Duration::from_millis(200);
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_echo_is_an_answer() {
        let (listener, address) = listener();
        let echo = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut got = [0; 1 + MESSAGE];
            stream.read_exact(&mut got).unwrap();
            assert_eq!((got[0], &got[1..=MARKER.len()]), (ONCE, MARKER));
            stream.write_all(&got[1..]).unwrap();
        });
        once(address, LONGEST).unwrap();
        echo.join().unwrap();
    }

    #[test]
    fn an_end_without_an_answer_is_none() {
        let (listener, address) = listener();
        let ender = thread::spawn(move || drop(listener.accept().unwrap()));
        assert!(once(address, LONGEST).is_err());
        ender.join().unwrap();
    }

    #[test]
    fn the_wait_for_an_answer_is_short_beside_what_is_measured() {
        for (elapsed, wait) in [(0, 25), (100, 25), (400, 100), (60_000, 1000)] {
            assert_eq!(patience(Duration::from_millis(elapsed)), Duration::from_millis(wait));
        }
    }

    #[test]
    fn it_is_tried_again_until_it_succeeds_or_is_too_late() {
        let mut count = 0;
        let mut attempt = |enough: i32| {
            count += 1;
            if count >= enough { Ok(()) } else { Err(count) }
        };
        assert_eq!(tries(Duration::from_hours(1), |_| attempt(3)), Ok(()));
        assert_eq!(tries(Duration::ZERO, |_| attempt(5)), Err(4));
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }
}
