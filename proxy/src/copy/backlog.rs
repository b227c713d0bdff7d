//! Received bytes that the application has not taken yet, in order, with small frames put together.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// A queue of bytes. A large frame, and the only frame, is kept as it came; small frames behind others are copied into
/// one buffer, so that a thousand of them cost neither a thousand buffers nor a thousand writes.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    current: Bytes,
    queue: VecDeque<Bytes>,
    /// Behind all of `queue`.
    small: BytesMut,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_empty()
    }

    /// The longest stretch at the front that lies in one piece; empty only when all is.
    pub(super) fn front(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn push(&mut self, data: Bytes) {
        if self.current.is_empty() {
            self.current = data;
        } else if data.len() < SMALL {
            self.small.extend_from_slice(&data);
            self.seal_at(SEALED);
        } else {
            self.seal_at(1);
            self.queue.push_back(data);
        }
    }

    /// Forgets `amount` bytes of the front.
    pub(super) fn advance(&mut self, amount: usize) {
        self.current.advance(amount);
        if self.current.is_empty() {
            self.next();
        }
    }

    fn next(&mut self) {
        self.current = self.queue.pop_front().unwrap_or_else(|| self.small.split().freeze());
        if self.current.is_empty() {
            // A burst leaves no memory behind.
            *self = Self::default();
        }
    }

    fn seal_at(&mut self, length: usize) {
        if self.small.len() >= length {
            self.queue.push_back(self.small.split().freeze());
        }
    }
}

/// Below this, a copy costs less than a write of its own.
const SMALL: usize = 4 * 1024;
/// As large as a small buffer becomes before the next is begun.
const SEALED: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(steps in prop::collection::vec((0usize..9000, 0usize..9000), 1..60)) {
            let (mut backlog, mut pushed, mut taken) = (Backlog::default(), Vec::new(), Vec::new());
            for (number, (push, take)) in steps.into_iter().enumerate() {
                let data: Vec<u8> = (0..push).map(|at| u8::try_from((at * 7 + number) % 251).unwrap()).collect();
                pushed.extend_from_slice(&data);
                backlog.push(data.into());
                let take = take.min(backlog.front().len());
                taken.extend_from_slice(&backlog.front()[..take]);
                backlog.advance(take);
                prop_assert_eq!(backlog.is_empty(), pushed.len() == taken.len());
            }
            while !backlog.is_empty() {
                taken.extend_from_slice(backlog.front());
                backlog.advance(backlog.front().len());
            }
            prop_assert_eq!(pushed, taken);
        }
    }

    #[test]
    fn small_frames_are_put_together() {
        let mut backlog = Backlog::default();
        for _ in 0..1000 {
            backlog.push(Bytes::from_static(&[0; 16]));
        }
        backlog.advance(16);
        assert_eq!(backlog.front().len(), 999 * 16);
    }
}
