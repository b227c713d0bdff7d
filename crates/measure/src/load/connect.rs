//! Connect, one round trip, close.
//!
//! The server ends the connection first, as an HTTP/1.0 server would. Whoever ends first keeps the pair of ports for a
//! minute (TIME-WAIT, RFC 9293 section 3.3.2): the client would run out of its 28,232 ports within two seconds at 15,000
//! connections a second, and the proxy beside it with it. At the server's end those pairs are no hindrance, since Linux
//! lets a newer SYN take such a pair over. No resets and no system settings are needed for this.

use std::net::SocketAddr;
use std::time::Instant;

use super::failure::Failure;
use super::kind::Own;
use super::meter::Meter;
use super::wire::{TRIP, dial, opening, round_trip, until_end};

/// Does it once. It is over when the server's end has been seen, so that closing is part of the work; the latency counts
/// to the answer.
pub(super) async fn once(target: SocketAddr, meter: &Meter) -> Result<(), Failure> {
    let began = Instant::now();
    let mut stream = dial(target).await?;
    round_trip(&mut stream, &opening(Own::Once)).await?;
    let took = began.elapsed();
    until_end(&mut stream).await?;
    meter.done(took, TRIP);
    Ok(())
}
