//! Whether a connection that a tunnel did not carry is tried over another one.

use crate::tunnel::{Broken, OpenError};

/// How often a connection was tried over another tunnel.
#[derive(Debug, Default)]
pub(super) struct Again {
    elsewhere: u32,
    broken: bool,
}

impl Again {
    /// Whether it may be tried once more after this. No byte of the application was read yet, so nothing happens twice
    /// that it said.
    pub(super) fn may(&mut self, error: OpenError) -> bool {
        match error {
            OpenError::Full { .. } | OpenError::Closed | OpenError::Unprocessed => {
                self.elsewhere += 1;
                self.elsewhere <= TRIES
            }
            // What a pooled tunnel says to the first request after its peer has vanished without a word. Once: a peer
            // that breaks the next one too would do so for ever.
            OpenError::Broken(Broken::Tunnel) => !std::mem::replace(&mut self.broken, true),
            OpenError::Broken(_) | OpenError::Refused { .. } => false,
        }
    }
}

/// How often a connection is tried over another tunnel, when the last one took no more.
const TRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_tunnel_is_tried_again_once_and_a_full_one_some_more_times() {
        let mut again = Again::default();
        for expected in [true, true, true, false] {
            assert_eq!(again.may(OpenError::Closed), expected);
        }
        for expected in [true, false] {
            assert_eq!(again.may(OpenError::Broken(Broken::Tunnel)), expected);
        }
    }

    #[test]
    fn what_the_peer_has_said_is_not_asked_again() {
        for answer in [OpenError::Refused { status: 503 }, OpenError::Broken(Broken::Reset { code: 10 })] {
            assert!(!Again::default().may(answer));
        }
    }
}
