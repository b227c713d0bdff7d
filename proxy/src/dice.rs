//! Throws of the dice, of the operating system's random bytes. Only drivers throw; what is thrown is an argument below.

use aws_lc_rs::rand;
use bulkhead_protocol::jitter::Jitter;

/// A throw that spreads in time what many would otherwise do at once.
pub fn jitter() -> Jitter {
    let mut bytes = [0; 4];
    // Without random bytes the pause is the longest one, which is always safe.
    match rand::fill(&mut bytes) {
        Ok(()) => Jitter::from_random(u32::from_be_bytes(bytes)),
        Err(_) => Jitter::from_random(u32::MAX),
    }
}

/// A throw of 2^64 faces.
pub fn throw() -> u64 {
    let mut bytes = [0; 8];
    // Without random bytes the first one is always drawn, which costs balance and nobody their safety.
    match rand::fill(&mut bytes) {
        Ok(()) => u64::from_be_bytes(bytes),
        Err(_) => 0,
    }
}
