//! Captures of the wire, and the questions that tests ask of them.

mod hello;
mod packet;
mod reader;
mod recording;
mod sampling;
mod scope;
mod stream;
mod stretch;

use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

pub use hello::{ServerHello, server_hello, server_hello_key_share};
pub use packet::{Packet, Segment};
pub use recording::Recording;
pub use sampling::Sampling;
pub(crate) use scope::Scope;
pub use stream::Stream;

use crate::error::LabError;
use reader::Frame;

/// What crossed the bridge, in the order in which it did.
pub struct Capture {
    frames: Vec<Frame>,
    packets: Vec<Packet>,
}

impl Capture {
    /// Reads a capture file of the classic format. A last packet that is not complete yet is left out.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|source| LabError::File { action: "read", path: path.to_owned(), source })?;
        let frames = reader::frames(&bytes).ok_or_else(|| LabError::NotPcap { path: path.to_owned() })?;
        let packets = frames.iter().filter_map(Packet::parse).filter(|packet| !recording::is_mark(packet)).collect();
        Ok(Self { frames, packets })
    }

    /// The IP packets.
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// The packets that ask for a TCP connection between two addresses, from either side; retransmissions included.
    pub fn syns_between(&self, one: impl Into<IpAddr>, other: impl Into<IpAddr>) -> Vec<&Packet> {
        let (one, other) = (one.into(), other.into());
        self.packets.iter().filter(|packet| packet.is_syn() && packet.is_between(one, other)).collect()
    }

    /// Each direction of each TCP connection, in the order in which their first packets were seen.
    pub fn streams(&self) -> Vec<Stream> {
        stream::reassemble(&self.packets)
    }

    /// Whether these bytes occur in any frame of any protocol, or in a stream across the bounds of its segments.
    pub fn payload_contains(&self, needle: &[u8]) -> bool {
        self.texts().iter().any(|text| stretch::contains(text, needle))
    }

    /// The first stretch of `text`, `length` bytes long, that occurs anywhere; `None` proves that none does.
    pub fn stretch_of<'a>(&self, text: &'a [u8], length: usize) -> Option<&'a [u8]> {
        stretch::Stretches::new(text, length).find_in(&self.texts())
    }

    /// The last TCP segment with payload, retransmissions included, that was seen later than `moment`.
    pub fn last_payload_segment_after(&self, moment: SystemTime, belongs: impl Fn(&Packet) -> bool) -> Option<&Packet> {
        let mut segments = self.packets.iter().filter(|packet| packet.tcp.is_some() && !packet.payload.is_empty());
        segments.rfind(|packet| packet.at > moment && belongs(packet))
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        let streams = self.streams().into_iter().map(|stream| stream.bytes);
        self.frames.iter().map(|frame| frame.bytes.clone()).chain(streams).collect()
    }
}
