//! From the application to the tunnel.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::net::TcpStream;

use super::{Counts, Stop, intake};
use crate::tunnel::{Broken, Stream};

/// The state of this direction.
#[derive(Debug, Default)]
pub(super) struct Up {
    /// Read, and not yet given to the tunnel. While there is any, nothing is read: a peer that does not take bytes
    /// pauses the application.
    pending: Bytes,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Sending,
    /// The peer has finished and reads no more. What the application still says is read and thrown away, since a close
    /// with unread bytes would turn the end of the answer into a reset.
    Discarding {
        left: usize,
    },
    /// The peer has reset the stream; the other direction first passes on what came before.
    Stopped,
    Finished,
}

impl Up {
    /// Moves what can be moved; ready when the application has finished and the tunnel knows.
    pub(super) fn poll<S: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        app: &TcpStream,
        stream: &mut S,
        counts: &Counts,
    ) -> Poll<Result<(), Stop>> {
        loop {
            match self.state {
                State::Finished => return Poll::Ready(Ok(())),
                State::Stopped => return Poll::Pending,
                State::Sending if !self.pending.is_empty() => {
                    let room = ready!(stream.poll_room(cx, self.pending.len()));
                    let sent = room.and_then(|room| self.send(room, stream, counts));
                    sent.or_else(|broken| self.broken(broken))?;
                }
                State::Sending | State::Discarding { .. } => {
                    let read = ready!(poll_read(cx, app)).map_err(|_| Stop::Application)?;
                    self.take(read, stream)?;
                }
            }
        }
    }

    /// The peer reads no more.
    pub(super) fn discard(&mut self) {
        if matches!(self.state, State::Sending) {
            self.pending = Bytes::new();
            self.state = State::Discarding { left: DISCARDED_AT_MOST };
        }
    }

    fn send<S: Stream>(&mut self, room: usize, stream: &mut S, counts: &Counts) -> Result<(), Broken> {
        stream.send(self.pending.split_to(room))?;
        counts.add_up(room);
        Ok(())
    }

    fn take<S: Stream>(&mut self, read: Bytes, stream: &mut S) -> Result<(), Stop> {
        match self.state {
            State::Discarding { .. } if read.is_empty() => self.state = State::Finished,
            State::Discarding { left } => {
                let left = left.checked_sub(read.len()).ok_or(Stop::Stream(Broken::Unread))?;
                self.state = State::Discarding { left };
            }
            _ if read.is_empty() => {
                self.state = State::Finished;
                stream.finish().or_else(|broken| self.broken(broken))?;
            }
            _ => self.pending = read,
        }
        Ok(())
    }

    fn broken(&mut self, broken: Broken) -> Result<(), Stop> {
        match broken {
            Broken::Unread => self.discard(),
            Broken::Reset { .. } => self.state = State::Stopped,
            Broken::Tunnel => return Err(Stop::Stream(broken)),
        }
        Ok(())
    }
}

fn poll_read(cx: &mut Context<'_>, app: &TcpStream) -> Poll<io::Result<Bytes>> {
    loop {
        ready!(app.poll_read_ready(cx))?;
        match intake::read(app) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read),
        }
    }
}

/// An application that goes on for longer is told by a reset, as by any peer that has closed.
const DISCARDED_AT_MOST: usize = 1024 * 1024;
