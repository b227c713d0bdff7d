//! From the tunnel to the application.

use std::io;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::backlog::Backlog;
use super::{Counts, Stop};
use crate::socket;
use crate::tunnel::{Broken, Stream};

/// The state of this direction.
#[derive(Debug, Default)]
pub(super) struct Down {
    /// Received, and not yet written. The peer's window is opened only for what was written, so this never holds more
    /// than one window.
    backlog: Backlog,
    /// How receiving ended; acted upon when the backlog is written.
    ended: Option<Result<(), Broken>>,
    finished: bool,
}

impl Down {
    /// Moves what can be moved; ready when the peer has finished and the application knows.
    pub(super) fn poll<S: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        app: &TcpStream,
        stream: &mut S,
        counts: &Counts,
    ) -> Poll<Result<(), Stop>> {
        while !self.finished {
            let received = self.receive(cx, stream)?;
            if self.backlog.is_empty() && !received {
                match self.ended {
                    None => return Poll::Pending,
                    Some(Err(broken)) => return Poll::Ready(Err(Stop::Stream(broken))),
                    Some(Ok(())) => socket::finish(app).map_err(|_| Stop::Application)?,
                }
                self.finished = true;
            } else if !self.write(cx, app, stream, counts)? && !received {
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes one frame in, and says whether there was one. It is asked also while the application takes nothing: small
    /// frames weigh less here than in the multiplexer, which would close the tunnel over too many of them.
    fn receive<S: Stream>(&mut self, cx: &mut Context<'_>, stream: &mut S) -> Result<bool, Stop> {
        if self.ended.is_some() {
            return Ok(false);
        }
        match stream.poll_receive(cx) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(Some(data))) => {
                self.backlog.push(data);
                return Ok(true);
            }
            Poll::Ready(Ok(None)) => self.ended = Some(Ok(())),
            Poll::Ready(Err(Broken::Tunnel)) => return Err(Stop::Stream(Broken::Tunnel)),
            Poll::Ready(Err(broken)) => self.ended = Some(Err(broken)),
        }
        Ok(false)
    }

    /// Writes once, and says whether anything was written.
    fn write<S: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        app: &TcpStream,
        stream: &mut S,
        counts: &Counts,
    ) -> Result<bool, Stop> {
        if self.backlog.is_empty() {
            return Ok(true);
        }
        loop {
            match app.poll_write_ready(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(ready) => ready.map_err(|_| Stop::Application)?,
            }
            match app.try_write(self.backlog.front()) {
                Ok(written) => {
                    self.backlog.advance(written);
                    counts.add_down(written);
                    stream.release(written);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Stop::Application),
            }
        }
    }
}
