//! One stream of an h2 connection, as the rest of the proxy sees it, with the guard that turns a drop into a reset.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};

use super::{Broken, Closed, Control, Stream};

/// A stream on h2.
#[derive(Debug)]
pub struct H2Stream {
    send: Sending,
    receive: RecvStream,
    control: Control,
    received_all: bool,
}

impl H2Stream {
    pub(super) fn new(send: Sending, receive: RecvStream, control: Control) -> Self {
        Self { send, receive, control, received_all: false }
    }

    /// The reason for which h2 sends no more on this stream.
    fn why_closed(&mut self, cx: &mut Context<'_>) -> Poll<Broken> {
        self.send.inner.poll_reset(cx).map(|reason| match reason {
            Ok(Reason::NO_ERROR) => Broken::Unread,
            Ok(reason) => Broken::Reset { code: reason.into() },
            Err(_) => Broken::Tunnel,
        })
    }

    fn why_closed_now(&mut self) -> Broken {
        match self.why_closed(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(broken) => broken,
            Poll::Pending => Broken::Tunnel,
        }
    }
}

impl Stream for H2Stream {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        // Before h2 is asked, which would first hand out what it had received before the cut.
        if self.control.is_cut() {
            return Poll::Ready(Err(Broken::Tunnel));
        }
        let data = loop {
            match ready!(self.receive.poll_data(cx)) {
                // The usual carrier of END_STREAM; the end itself comes next.
                Some(Ok(data)) if data.is_empty() => {}
                Some(Ok(data)) => return Poll::Ready(Ok(Some(data))),
                Some(Err(error)) => break end_of_receiving(&error),
                None => break Ok(None),
            }
        };
        self.received_all = data.is_ok();
        self.send.settled = self.send.settled || (self.received_all && self.send.finished);
        Poll::Ready(data)
    }

    fn release(&mut self, amount: usize) {
        // It fails only for more than was received, and for a stream that has ended, which has no window any more.
        let _ = self.receive.flow_control().release_capacity(amount);
    }

    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<Result<usize, Broken>> {
        if self.control.is_cut() {
            return Poll::Ready(Err(Broken::Tunnel));
        }
        // Asked for only when there is something to send: capacity given to an idle stream is taken from the others.
        self.send.inner.reserve_capacity(wanted);
        if self.send.inner.capacity() > 0 {
            return Poll::Ready(Ok(self.send.inner.capacity().min(wanted)));
        }
        match ready!(self.send.inner.poll_capacity(cx)) {
            Some(Ok(room)) => Poll::Ready(Ok(room.min(wanted))),
            Some(Err(_)) | None => Poll::Ready(Err(self.why_closed_now())),
        }
    }

    fn send(&mut self, data: Bytes) -> Result<(), Broken> {
        self.send.inner.send_data(data, false).map_err(|_| self.why_closed_now())
    }

    fn finish(&mut self) -> Result<(), Broken> {
        self.send.inner.send_data(Bytes::new(), true).map_err(|_| self.why_closed_now())?;
        self.send.finished = true;
        self.send.settled = self.send.settled || self.received_all;
        Ok(())
    }

    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Broken> {
        if self.control.is_cut() {
            return Poll::Ready(Broken::Tunnel);
        }
        self.why_closed(cx)
    }

    fn reset(&mut self) {
        self.send.reset();
    }
}

/// The sending half with what must not be forgotten when it is dropped: the peer must learn of an unfinished stream, and
/// the tunnel of a free place.
#[derive(Debug)]
pub(super) struct Sending {
    inner: SendStream<Bytes>,
    _place: Option<Place>,
    finished: bool,
    /// Both directions have ended, or a reset was sent. Not to be reset again: h2 would throw away what it still holds
    /// of a finished stream.
    settled: bool,
}

impl Sending {
    pub(super) fn new(inner: SendStream<Bytes>, place: Option<Place>) -> Self {
        Self { inner, _place: place, finished: false, settled: false }
    }

    fn reset(&mut self) {
        if !self.settled {
            self.settled = true;
            self.inner.send_reset(Reason::CONNECT_ERROR);
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.reset();
    }
}

/// One of the places that a client's tunnel has for streams.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    pub(super) fn take(taken: &Arc<AtomicUsize>) -> Self {
        taken.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(taken))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `NO_ERROR` says that the peer has finished and is not interested in the rest of our bytes (RFC 9113, section 8.1);
/// every other code, `CANCEL` included, is an abort.
fn end_of_receiving(error: &h2::Error) -> Result<Option<Bytes>, Broken> {
    match broken(error) {
        Broken::Unread => Ok(None),
        broken => Err(broken),
    }
}

/// What h2's error says about a stream.
pub(super) fn broken(error: &h2::Error) -> Broken {
    match error.reason() {
        Some(Reason::NO_ERROR) if error.is_reset() => Broken::Unread,
        Some(reason) if error.is_reset() => Broken::Reset { code: reason.into() },
        _ => Broken::Tunnel,
    }
}

/// What h2's error says about a whole connection.
pub(super) fn closed(error: &h2::Error) -> Closed {
    match (error.get_io(), error.reason()) {
        (Some(io), _) => Closed::Lost { kind: io.kind() },
        (None, Some(code)) => Closed::Protocol { code: code.into(), by_peer: error.is_remote() },
        (None, None) => Closed::Lost { kind: std::io::ErrorKind::Other },
    }
}
