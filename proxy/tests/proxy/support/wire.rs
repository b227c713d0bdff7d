//! HTTP/2 by hand: a peer that can say what no library would, and that sees what a library hides.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::within;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const CONNECT_ERROR: u32 = 0xa;
pub(crate) const CANCEL: u32 = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    pub(crate) fn settings(pairs: &[(u16, u32)]) -> Self {
        let payload: Vec<u8> =
            pairs.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat()).collect();
        Self::new(SETTINGS, 0, 0, &payload)
    }

    pub(crate) fn reset(stream: u32, code: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, &code.to_be_bytes())
    }

    pub(crate) fn go_away(last: u32, code: u32) -> Self {
        Self::new(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
    }

    /// A CONNECT: `:method` and `:authority` as literals without indexing (RFC 7541, section 6.2.2).
    pub(crate) fn connect(stream: u32, authority: &str) -> Self {
        let mut block = literal(2, "CONNECT");
        block.extend(literal(1, authority));
        Self::new(HEADERS, END_HEADERS, stream, &block)
    }

    /// `GET https://authority/`, from the static table (RFC 7541, appendix A).
    pub(crate) fn get(stream: u32, authority: &str) -> Self {
        let mut block = vec![0x82, 0x87, 0x84];
        block.extend(literal(1, authority));
        Self::new(HEADERS, END_HEADERS | END_STREAM, stream, &block)
    }

    pub(crate) fn answer(stream: u32, status: u16) -> Self {
        Self::new(HEADERS, END_HEADERS, stream, &literal(8, &status.to_string()))
    }

    /// The first four bytes of the payload: a code, an increment, a stream.
    pub(crate) fn number(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }

    /// The settings as pairs.
    pub(crate) fn pairs(&self) -> Vec<(u16, u32)> {
        let number = |at: &[u8]| at.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        self.payload.chunks(6).map(|six| (u16::try_from(number(&six[..2])).unwrap(), number(&six[2..]))).collect()
    }

    fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

fn literal(name: u8, value: &str) -> Vec<u8> {
    let mut bytes = vec![name, u8::try_from(value.len()).expect("a short value")];
    bytes.extend(value.as_bytes());
    bytes
}

/// One end of a connection on which the test writes and reads frames.
pub(crate) struct Peer(pub(crate) DuplexStream);

impl Peer {
    /// A peer in the server's place, and the stream for the client under test. It has sent its settings.
    pub(crate) async fn server(settings: &[(u16, u32)]) -> (Self, DuplexStream) {
        let (near, far) = tokio::io::duplex(16 << 20);
        let mut peer = Self(far);
        peer.send(&[Frame::settings(settings)]).await;
        (peer, near)
    }

    /// A peer in the client's place, and the stream for the server under test. It has sent preface and settings.
    pub(crate) async fn client() -> (Self, DuplexStream) {
        let (near, far) = tokio::io::duplex(16 << 20);
        let mut peer = Self(near);
        peer.0.write_all(PREFACE).await.unwrap();
        peer.send(&[Frame::settings(&[])]).await;
        (peer, far)
    }

    pub(crate) async fn send(&mut self, frames: &[Frame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        self.0.write_all(&bytes).await.unwrap();
    }

    /// Reads the preface that a client begins with.
    pub(crate) async fn expect_preface(&mut self) {
        let mut preface = [0; PREFACE.len()];
        within("the preface", self.0.read_exact(&mut preface)).await.unwrap();
        assert_eq!(preface, PREFACE);
    }

    /// The next frame, or `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        within("a frame", self.0.read_exact(&mut head)).await.ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of this kind; others are passed over.
    pub(crate) async fn expect(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the connection ended before a frame {kind}"));
            if frame.kind == kind && !(kind == SETTINGS && frame.flags == ACK) {
                return frame;
            }
        }
    }

    /// Everything that arrives before the answer to a ping sent now: what was on the way, and nothing else.
    pub(crate) async fn drain(&mut self) -> Vec<Frame> {
        self.send(&[Frame::new(PING, 0, 0, b"bulkhead")]).await;
        let mut seen = Vec::new();
        loop {
            let frame = self.next().await.expect("the connection stands");
            if frame.kind == PING && frame.payload == b"bulkhead" {
                return seen;
            }
            seen.push(frame);
        }
    }
}

/// RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
