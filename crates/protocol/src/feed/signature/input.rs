//! The bytes that are signed, each kind under a name of its own (`feed.proto`).

use crate::feed::Position;

pub(super) fn fact_input(position: Position, body: &[u8]) -> Vec<u8> {
    [b"bulkhead-fact-v1\0", &position_bytes(position)[..], body].concat()
}

pub(super) fn snapshot_input(position: Position, facts: u64, digest: &[u8; 32]) -> Vec<u8> {
    [b"bulkhead-snapshot-v1\0", &position_bytes(position)[..], &facts.to_be_bytes(), digest].concat()
}

pub(super) fn address_input(body: &[u8]) -> Vec<u8> {
    [b"bulkhead-address-v1\0", body].concat()
}

pub(super) fn position_bytes(position: Position) -> [u8; 16] {
    (u128::from(position.incarnation.number()) << 64 | u128::from(position.n)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Incarnation;

    #[test]
    fn the_layout_is_that_of_the_specification() {
        let input = fact_input(Position { incarnation: Incarnation::new(0x0102), n: 3 }, b"body");
        assert_eq!(input, b"bulkhead-fact-v1\0\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x03body");
        let end = snapshot_input(Position { incarnation: Incarnation::new(1), n: 2 }, 3, &[9; 32]);
        assert_eq!(end[..21], *b"bulkhead-snapshot-v1\0");
        assert_eq!((end.len(), end[28], end[36], end[44]), (21 + 24 + 32, 1, 2, 3));
        assert_eq!(address_input(b"x"), b"bulkhead-address-v1\0x");
    }
}
