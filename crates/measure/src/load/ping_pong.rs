//! Round trips on one connection, one at a time.

use std::net::SocketAddr;
use std::time::Instant;

use super::failure::Failure;
use super::kind::Own;
use super::meter::Meter;
use super::payload::LINE;
use super::wire::{TRIP, dial, farewell, opening, round_trip};

/// Plays until the time is over. Nothing is allocated in a round trip, and the clock is read once.
pub(super) async fn play(target: SocketAddr, meter: &Meter) -> Result<(), Failure> {
    let mut stream = dial(target).await?;
    let mut began = Instant::now();
    round_trip(&mut stream, &opening(Own::Echo)).await?;
    loop {
        let ended = Instant::now();
        meter.done(ended - began, TRIP);
        if !meter.goes_on() {
            farewell(stream).await;
            return Ok(());
        }
        began = ended;
        round_trip(&mut stream, &LINE).await?;
    }
}
