//! What is sent: text that a capture of the wire recognises.

use std::sync::LazyLock;

/// Every payload begins with it, and has it again at least every 128 bytes: a wire on which it can be read is legible.
pub const MARKER: &[u8] = b"bulkhead-bench-legible-text";

/// The message of a round trip, 128 bytes.
pub(super) const LINE: [u8; 128] = line();

/// What bulk is made of, 256 KiB: as large as the largest single read or write of a good proxy.
pub(super) static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| LINE.repeat(256 * 1024 / LINE.len()));

/// What an HTTP request is answered with, 1 KiB.
pub(super) static PAGE: LazyLock<Vec<u8>> = LazyLock::new(|| LINE.repeat(1024 / LINE.len()));

const fn line() -> [u8; 128] {
    let mut line = [b'.'; 128];
    let mut at = 0;
    while at < MARKER.len() {
        line[at] = MARKER[at];
        at += 1;
    }
    line[127] = b'\n';
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_stands_at_the_beginning_and_in_every_128_bytes() {
        for payload in [&LINE[..], &BLOCK, &PAGE] {
            assert!(payload.chunks(128).all(|line| line.starts_with(MARKER) && line.len() == 128));
        }
    }
}
