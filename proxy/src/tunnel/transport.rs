//! The byte stream beneath a tunnel, and the little that a tunnel must know about it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

use super::control::Control;
use super::keepalive::LastHeard;
use crate::socket;

/// A connection to another proxy: TLS over TCP, or in tests something simpler.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the coming drop an abrupt one: a TCP reset, not a FIN that could be read as a clean end.
    fn reset_on_drop(&self);
}

impl Transport for TcpStream {
    fn reset_on_drop(&self) {
        socket::reset_on_close(self);
    }
}

impl Transport for DuplexStream {
    /// Memory knows no reset: the peer sees an end of file, without the orderly end of HTTP/2 before it.
    fn reset_on_drop(&self) {}
}

impl<T: Transport> Transport for tokio_rustls::client::TlsStream<T> {
    fn reset_on_drop(&self) {
        self.get_ref().0.reset_on_drop();
    }
}

impl<T: Transport> Transport for tokio_rustls::server::TlsStream<T> {
    fn reset_on_drop(&self) {
        self.get_ref().0.reset_on_drop();
    }
}

/// A transport that notes when something was received, and whose drop is abrupt unless the tunnel ended in order.
pub(super) struct Watched<T: Transport> {
    io: T,
    heard: Arc<LastHeard>,
    control: Control,
}

impl<T: Transport> Watched<T> {
    pub(super) fn new(io: T, heard: Arc<LastHeard>, control: Control) -> Self {
        Self { io, heard, control }
    }
}

impl<T: Transport> Drop for Watched<T> {
    fn drop(&mut self) {
        if !self.control.ended_in_order() {
            self.io.reset_on_drop();
        }
    }
}

impl<T: Transport> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.now();
        }
        result
    }
}

// The vectored calls are passed on because h2 writes the head and the payload of a large frame in one of them.
impl<T: Transport> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
