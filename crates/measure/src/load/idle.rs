//! Connections that have done one round trip and then nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::kind::Own;
use super::meter::Meter;
use super::wire::{TRIP, dial, opening, round_trip};

/// Connections that stay open while this is kept.
#[derive(Debug, Default)]
pub struct Held(Vec<TcpStream>);

impl Held {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none: for all kinds of work but idle connections.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many the other side has ended since they were opened, which makes a figure for each of them too small.
    pub fn ended(&self) -> usize {
        self.0.iter().filter(|stream| !is_silent(stream)).count()
    }
}

/// Opens so many, a few at a time, so that no queue of half-open connections overflows; ends when all were tried.
pub(super) async fn open(connections: u32, target: SocketAddr, meter: &Arc<Meter>) -> Held {
    let begun = Arc::new(AtomicU32::new(0));
    let mut openers = JoinSet::new();
    for _ in 0..AT_A_TIME.min(connections) {
        openers.spawn(open_some(connections, target, Arc::clone(&begun), Arc::clone(meter)));
    }
    Held(openers.join_all().await.into_iter().flatten().collect())
}

async fn open_some(of: u32, target: SocketAddr, begun: Arc<AtomicU32>, meter: Arc<Meter>) -> Vec<TcpStream> {
    let mut opened = Vec::new();
    while begun.fetch_add(1, Ordering::Relaxed) < of {
        match one(target, &meter).await {
            Ok(stream) => opened.push(stream),
            Err(failure) => meter.failed(&failure),
        }
    }
    opened
}

async fn one(target: SocketAddr, meter: &Meter) -> Result<TcpStream, Failure> {
    let began = Instant::now();
    let mut stream = dial(target).await?;
    round_trip(&mut stream, &opening(Own::Echo)).await?;
    meter.done(began.elapsed(), TRIP);
    Ok(stream)
}

fn is_silent(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// How many are opened at a time.
const AT_A_TIME: u32 = 64;
