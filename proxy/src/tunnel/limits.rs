//! What a peer may make a tunnel hold: every number has a reason and can be set.

use std::time::Duration;

/// The limits of one tunnel.
#[derive(Clone, Debug)]
pub struct TunnelLimits {
    /// Streams that a client opens on one tunnel; default 100, as ztunnel. The peer's own limit counts too.
    pub streams_opened: usize,
    /// Streams that a server lets its peer open (SETTINGS_MAX_CONCURRENT_STREAMS); default 200, as ztunnel.
    pub streams_accepted: u32,
    /// Bytes that one stream may receive before the application has taken them; default 4 MiB.
    pub stream_window: u32,
    /// The same for all streams together; default 16 MiB. It must be several stream windows: were they equal, one
    /// application that does not read would stop all the others.
    pub connection_window: u32,
    /// The largest frame that is accepted; default 1 MiB.
    pub frame: u32,
    /// Bytes that one stream may hold for a peer that does not take them; default 512 KiB (two large reads).
    pub send_buffer: usize,
    /// The size of a request's headers, as RFC 9113, section 6.5.2 counts it; default 64 KiB, as ztunnel.
    pub request_headers: u32,
    /// The size of an answer's headers; default 16 KiB, as ztunnel.
    pub answer_headers: u32,
    /// Bytes of bookkeeping for small DATA frames (256 less their length, each) that may wait to be copied, after which
    /// the tunnel is closed; default 32 MiB: about 140,000 frames of 16 bytes in one burst.
    pub small_frames: usize,
    /// Streams that the peer reset before they were accepted ("rapid reset"); default 20, then the tunnel is closed.
    pub resets_before_accept: usize,
    /// Streams that the peer made us reset by breaking the protocol ("made you reset"); default 1024, then the tunnel is
    /// closed.
    pub resets_provoked: usize,
    /// Ended streams that are remembered, so that late frames for them are ignored; default 50.
    pub resets_remembered: usize,
    /// For how long they are remembered; default 1 s. h2's own 30 s would hold memory for every reset.
    pub reset_memory: Duration,
    /// How long a peer may take to begin the tunnel; default 10 s.
    pub handshake: Duration,
    /// After how much silence the peer is asked for a sign of life; default 10 s.
    pub ping_after: Duration,
    /// How long it may take to give one; default 20 s, then the tunnel is cut.
    pub ping_limit: Duration,
}

impl Default for TunnelLimits {
    fn default() -> Self {
        Self {
            streams_opened: 100,
            streams_accepted: 200,
            stream_window: 4 * MIB,
            connection_window: 16 * MIB,
            frame: MIB,
            send_buffer: 512 * 1024,
            request_headers: 64 * 1024,
            answer_headers: 16 * 1024,
            small_frames: 32 * 1024 * 1024,
            resets_before_accept: 20,
            resets_provoked: 1024,
            resets_remembered: 50,
            reset_memory: Duration::from_secs(1),
            handshake: Duration::from_secs(10),
            ping_after: Duration::from_secs(10),
            ping_limit: Duration::from_secs(20),
        }
    }
}

const MIB: u32 = 1024 * 1024;
