//! The controller's dice: the only place where it asks for a random number.

use aws_lc_rs::rand;
use bulkhead_protocol::jitter::Jitter;

/// A throw, to spread in time what many would otherwise do at once.
pub(super) fn throw() -> Jitter {
    let mut bytes = [0; 4];
    // Without random bytes there is no spread, which costs a busy moment and nobody their safety.
    match rand::fill(&mut bytes) {
        Ok(()) => Jitter::from_random(u32::from_le_bytes(bytes)),
        Err(_) => Jitter::NONE,
    }
}
