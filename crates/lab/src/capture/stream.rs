//! The bytes of a TCP connection in one direction, put together from its segments.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::SystemTime;

use super::packet::{Packet, Segment};

/// One direction of a TCP connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// When its first packet was seen.
    pub begun: SystemTime,
    /// What was sent, each byte once; it ends before the first byte that the capture has not seen.
    pub bytes: Vec<u8>,
}

/// Each direction of each connection, in the order of their first packets.
pub(super) fn reassemble(packets: &[Packet]) -> Vec<Stream> {
    let mut parts: Vec<Parts> = Vec::new();
    let mut current: HashMap<(SocketAddr, SocketAddr), usize> = HashMap::new();
    for packet in packets {
        let Some(segment) = packet.tcp else { continue };
        let ends = (packet.from, packet.to);
        let index = match current.get(&ends) {
            Some(index) if !parts[*index].is_succeeded_by(segment) => *index,
            _ => {
                parts.push(Parts::begin(packet, segment));
                parts.len() - 1
            }
        };
        current.insert(ends, index);
        parts[index].add(segment, &packet.payload);
    }
    parts.into_iter().map(Parts::join).collect()
}

struct Parts<'a> {
    from: SocketAddr,
    to: SocketAddr,
    begun: SystemTime,
    /// The sequence number of the first byte.
    base: u32,
    /// The longest payload seen at each distance from the first byte.
    payloads: BTreeMap<u64, &'a [u8]>,
    /// The distance that was reached last, next to which the 32 bits of a sequence number are read.
    reached: u64,
}

impl<'a> Parts<'a> {
    fn begin(packet: &Packet, segment: Segment) -> Self {
        let base = first_byte(segment);
        Self { from: packet.from, to: packet.to, begun: packet.at, base, payloads: BTreeMap::new(), reached: 0 }
    }

    /// Whether this segment opens another connection between the same ports.
    fn is_succeeded_by(&self, segment: Segment) -> bool {
        segment.syn && first_byte(segment) != self.base
    }

    fn add(&mut self, segment: Segment, payload: &'a [u8]) {
        let Some(distance) = self.distance(first_byte(segment)) else { return };
        let known = self.payloads.entry(distance).or_default();
        if payload.len() > known.len() {
            *known = payload;
            self.reached = self.reached.max(distance);
        }
    }

    /// How far from the first byte; `None` for what lies before it (a keep-alive, or a capture that began midway).
    fn distance(&self, sequence: u32) -> Option<u64> {
        let reached_sequence = self.base.wrapping_add(low_bits(self.reached));
        let step = sequence.wrapping_sub(reached_sequence).cast_signed();
        self.reached.checked_add_signed(step.into())
    }

    fn join(self) -> Stream {
        let mut bytes: Vec<u8> = Vec::new();
        for (distance, payload) in self.payloads {
            let Some(overlap) = (bytes.len() as u64).checked_sub(distance) else { break };
            let overlap = usize::try_from(overlap).unwrap_or(usize::MAX);
            bytes.extend_from_slice(payload.get(overlap..).unwrap_or_default());
        }
        Stream { from: self.from, to: self.to, begun: self.begun, bytes }
    }
}

/// A SYN takes a sequence number of its own, before that of the first byte (RFC 9293, 3.4).
fn first_byte(segment: Segment) -> u32 {
    segment.sequence.wrapping_add(segment.syn.into())
}

#[allow(clippy::cast_possible_truncation, reason = "a sequence number is the low 32 bits of a distance")]
fn low_bits(distance: u64) -> u32 {
    distance as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(syn: bool, sequence: u32, payload: &[u8]) -> Packet {
        let (from, to) = ("10.77.1.1:40000".parse().unwrap(), "10.77.2.1:80".parse().unwrap());
        let tcp = Some(Segment { syn, ack: !syn, fin: false, rst: false, sequence });
        Packet { at: SystemTime::UNIX_EPOCH, from, to, tcp, payload: payload.to_owned() }
    }

    fn texts(packets: &[Packet]) -> Vec<Vec<u8>> {
        reassemble(packets).into_iter().map(|stream| stream.bytes).collect()
    }

    #[test]
    fn retransmissions_and_overlaps_count_once() {
        let packets = [
            packet(true, 9, b""),
            packet(false, 13, b"defg"),
            packet(false, 10, b"abc"),
            packet(false, 10, b"abcde"),
            packet(false, 9, b""),
        ];
        assert_eq!(texts(&packets), [b"abcdefg"]);
    }

    #[test]
    fn a_stream_ends_where_a_byte_is_missing() {
        assert_eq!(texts(&[packet(true, 9, b""), packet(false, 10, b"abc"), packet(false, 14, b"efg")]), [b"abc"]);
    }

    #[test]
    fn a_new_connection_on_the_same_ports_is_another_stream() {
        let packets = [packet(true, 9, b""), packet(false, 10, b"a"), packet(true, 99, b""), packet(false, 100, b"b")];
        assert_eq!(texts(&packets), [b"a", b"b"]);
    }

    proptest! {
        #[test]
        fn any_cut_and_order_give_the_same_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 1..200),
            first in any::<u32>(),
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 1_usize..50), 0..40),
        ) {
            let whole = (0..bytes.len()).step_by(7).map(|at| (at, 7));
            let cut = cuts.into_iter().map(|(index, length)| (index.index(bytes.len()), length));
            let pieces = cut.chain(whole).map(|(at, length)| {
                let end = bytes.len().min(at + length);
                packet(false, first.wrapping_add(1 + u32::try_from(at).unwrap()), &bytes[at..end])
            });
            let packets: Vec<Packet> = std::iter::once(packet(true, first, b"")).chain(pieces).collect();
            prop_assert_eq!(texts(&packets), [bytes]);
        }
    }
}
