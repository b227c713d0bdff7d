//! What a capture takes in: everything, or the beginnings of a few packets.

use crate::address::NOBODY;
use crate::host::Host;

/// Which packets, how much of each, and how many.
pub(crate) struct Scope {
    bytes: usize,
    buffer_kib: usize,
    packets: Option<usize>,
    filter: String,
}

impl Scope {
    /// Every byte of every packet.
    pub(crate) fn everything() -> Self {
        Self { bytes: WHOLE, buffer_kib: LARGE_KIB, packets: None, filter: String::new() }
    }

    /// At most the first `bytes` of at most `packets` packets from and to this host, and the mark of the end.
    pub(crate) fn first(packets: usize, bytes: usize, host: &Host) -> Self {
        let filter = format!("host {} or host {} or dst host {}", host.ipv4(), host.ipv6(), NOBODY.ipv4());
        Self { bytes: bytes.clamp(1, WHOLE), buffer_kib: SMALL_KIB, packets: Some(packets.max(1)), filter }
    }

    /// How `tcpdump` is told.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec!["-s".to_owned(), self.bytes.to_string(), "-B".to_owned(), self.buffer_kib.to_string()];
        if let Some(packets) = self.packets {
            words.extend(["-c".to_owned(), packets.to_string()]);
        }
        words.extend((!self.filter.is_empty()).then(|| self.filter.clone()));
        words
    }
}

/// More than a packet can have.
const WHOLE: usize = 262_144;
/// 128 MiB. On two cores that is enough for some 200 MB as fast as the cables carry them, and without end at the pace of
/// a proxy; each capture takes so much of the kernel's memory.
const LARGE_KIB: usize = 131_072;
/// 2 MiB: a few packets, and nobody asks for those that do not fit.
const SMALL_KIB: usize = 2048;
