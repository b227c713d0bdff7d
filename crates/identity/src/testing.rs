//! What the unit tests of several modules share.

/// The bytes that these hexadecimal digits spell.
pub(crate) fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}
