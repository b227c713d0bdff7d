//! One IP packet of a capture.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

use super::reader::Frame;

/// An IP packet, whole or as the sender's kernel handed it to the bridge (up to 64 KB, to be cut up later by a device).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it reached the bridge.
    pub at: SystemTime,
    /// Who sent it; port 0 if its protocol has none.
    pub from: SocketAddr,
    /// To whom; port 0 if its protocol has none.
    pub to: SocketAddr,
    /// What its TCP header says, if it has one.
    pub tcp: Option<Segment>,
    /// What it carries behind the TCP or UDP header; for other protocols, behind the IP header. In a sample that keeps
    /// only so many bytes of each packet, as much of it as was kept.
    pub payload: Vec<u8>,
}

/// The header of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the flags of the header")]
pub struct Segment {
    /// Opens the connection.
    pub syn: bool,
    /// Acknowledges something.
    pub ack: bool,
    /// Ends this direction.
    pub fin: bool,
    /// Breaks the connection off.
    pub rst: bool,
    /// The number of the first byte of the payload; of the flag itself when it opens the connection.
    pub sequence: u32,
}

impl Packet {
    /// Whether it asks for a TCP connection (and does not answer).
    pub fn is_syn(&self) -> bool {
        self.tcp.is_some_and(|tcp| tcp.syn && !tcp.ack)
    }

    /// Whether it goes from one of these addresses to the other.
    pub fn is_between(&self, one: IpAddr, other: IpAddr) -> bool {
        let ends = (self.from.ip(), self.to.ip());
        ends == (one, other) || ends == (other, one)
    }

    /// Reads a frame; `None` if it carries no IP.
    pub(super) fn parse(frame: &Frame) -> Option<Self> {
        // Laxly: with offloading the kernel leaves lengths and checksums to a device that is not there.
        let sliced = LaxSlicedPacket::from_ethernet(&frame.bytes).ok()?;
        let net = sliced.net?;
        let (source, destination) = addresses(&net)?;
        let (source_port, destination_port, tcp, payload) = match &sliced.transport {
            Some(TransportSlice::Tcp(tcp)) => {
                (tcp.source_port(), tcp.destination_port(), Some(Segment::read(tcp)), tcp.payload())
            }
            Some(TransportSlice::Udp(udp)) => (udp.source_port(), udp.destination_port(), None, udp.payload()),
            _ => (0, 0, None, net.ip_payload_ref()?.payload),
        };
        let (from, to) = (SocketAddr::new(source, source_port), SocketAddr::new(destination, destination_port));
        Some(Self { at: frame.at, from, to, tcp, payload: payload.to_owned() })
    }
}

impl Segment {
    fn read(tcp: &TcpSlice) -> Self {
        let (syn, ack, fin, rst) = (tcp.syn(), tcp.ack(), tcp.fin(), tcp.rst());
        Self { syn, ack, fin, rst, sequence: tcp.sequence_number() }
    }
}

fn addresses(net: &LaxNetSlice) -> Option<(IpAddr, IpAddr)> {
    match net {
        LaxNetSlice::Ipv4(ip) => Some((ip.header().source_addr().into(), ip.header().destination_addr().into())),
        LaxNetSlice::Ipv6(ip) => Some((ip.header().source_addr().into(), ip.header().destination_addr().into())),
        LaxNetSlice::Arp(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_frame_makes_the_parser_panic(bytes in any::<Vec<u8>>(), ip in prop_oneof![Just(0x0800_u16), Just(0x86dd)]) {
            let bytes = [&[0; 12][..], &ip.to_be_bytes(), &bytes].concat();
            let _ = Packet::parse(&Frame { at: SystemTime::UNIX_EPOCH, bytes });
        }
    }
}
