//! Accepts connections, no more at a time than the limit, and rests when the kernel has none to give.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::transport::server::{Connected, UdsConnectInfo};
use tracing::warn;

use crate::metrics::{Metrics, RefusedCall};

/// The connections of a socket as they come.
pub(super) fn incoming(
    listener: UnixListener,
    limit: usize,
    metrics: Metrics,
) -> impl Stream<Item = io::Result<Counted>> {
    let acceptor = Acceptor { listener, free: Arc::new(Semaphore::new(limit)), metrics };
    unfold(acceptor, |acceptor| async move { Some((Ok(acceptor.next().await), acceptor)) })
}

struct Acceptor {
    listener: UnixListener,
    free: Arc<Semaphore>,
    metrics: Metrics,
}

impl Acceptor {
    async fn next(&self) -> Counted {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => match Arc::clone(&self.free).try_acquire_owned() {
                    Ok(permit) => return Counted { stream, _permit: permit },
                    Err(_) => self.turn_away(),
                },
                Err(error) => self.rest(&error).await,
            }
        }
    }

    fn turn_away(&self) {
        self.metrics.refused(RefusedCall::Connections);
        warn!(flag = "--max-connections", "a workload's socket has all the connections that it may have");
    }

    /// Out of descriptors or memory: to try again at once would spin.
    async fn rest(&self, error: &io::Error) {
        warn!(%error, "cannot accept a connection to a workload's socket");
        tokio::time::sleep(REST).await;
    }
}

/// A connection that counts as long as it lives.
#[derive(Debug)]
pub(super) struct Counted {
    stream: UnixStream,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Counted {
    type ConnectInfo = UdsConnectInfo;

    fn connect_info(&self) -> UdsConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Counted {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, from)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

const REST: Duration = Duration::from_millis(100);
