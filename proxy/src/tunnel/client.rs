//! The client's side of a tunnel on h2.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use http::StatusCode;
use tokio::time::timeout;

use super::control::Driving;
use super::h2_stream::{Place, Sending, broken, closed};
use super::keepalive::{LastHeard, until_silent};
use super::transport::Watched;
use super::{Broken, Closed, Connect, Control, H2Stream, OpenError, StartError, Transport, Tunnel, TunnelLimits};

/// Begins a tunnel, and returns once the peer's settings are here: with TLS 1.3 a client learns only then that its
/// certificate was accepted. The second value moves the tunnel's bytes and must be polled until it says how the tunnel
/// ended.
pub async fn start<T: Transport>(
    io: T,
    limits: &TunnelLimits,
) -> Result<(H2Tunnel, impl Future<Output = Closed> + Send + use<T>), StartError> {
    let heard = LastHeard::new();
    let control = Control::new();
    let driving = Driving(control.clone());
    let io = Watched::new(io, Arc::clone(&heard), control.clone());
    let (requests, connection) = match timeout(limits.handshake, begin(io, limits)).await {
        Ok(result) => result.map_err(StartError::Ended)?,
        Err(_) => return Err(StartError::Timeout { limit: limits.handshake }),
    };
    let tunnel = H2Tunnel(Arc::new(Shared {
        requests: Mutex::new(Some(requests)),
        taken: Arc::new(AtomicUsize::new(0)),
        limit: limits.streams_opened,
        control,
    }));
    let driver = drive(connection, heard, driving, Arc::downgrade(&tunnel.0), limits.clone());
    Ok((tunnel, driver))
}

/// A tunnel to another proxy.
#[derive(Clone, Debug)]
pub struct H2Tunnel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// `None` once the tunnel drains: h2 closes a connection without streams when the last of these is gone.
    requests: Mutex<Option<SendRequest<Bytes>>>,
    taken: Arc<AtomicUsize>,
    limit: usize,
    control: Control,
}

impl Tunnel for H2Tunnel {
    type Stream = H2Stream;

    async fn open(&self, connect: &Connect) -> Result<H2Stream, OpenError> {
        // From here on, `sending` resets the stream if this future is dropped.
        let (response, sending) = self.request(connect)?;
        let response = response.await.map_err(|error| self.failed(&error))?;
        if response.status() != StatusCode::OK {
            return Err(OpenError::Refused { status: response.status().as_u16() });
        }
        Ok(H2Stream::new(sending, response.into_body(), self.0.control.clone()))
    }

    fn room(&self) -> usize {
        let requests = self.0.requests();
        let limit = requests.as_ref().filter(|_| self.0.control.takes_streams()).map_or(0, |r| self.0.limit(r));
        limit.saturating_sub(self.0.taken.load(Ordering::Relaxed))
    }

    fn control(&self) -> &Control {
        &self.0.control
    }
}

impl H2Tunnel {
    fn request(&self, connect: &Connect) -> Result<(ResponseFuture, Sending), OpenError> {
        let mut requests = self.0.requests();
        let requests = requests.as_mut().filter(|_| self.0.control.takes_streams()).ok_or(OpenError::Closed)?;
        // Above the peer's limit h2 would queue in silence, and for ever where the limit is 0.
        let limit = self.0.limit(requests);
        if self.0.taken.load(Ordering::Relaxed) >= limit {
            return Err(OpenError::Full { limit });
        }
        match requests.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Err(self.over()),
            Poll::Pending => return Err(OpenError::Full { limit }),
        }
        let (response, send) = requests.send_request(connect.to_request(), false).map_err(|_| self.over())?;
        Ok((response, Sending::new(send, Some(Place::take(&self.0.taken)))))
    }

    /// h2 takes no requests any more, and lives on while streams are open. Whoever looks for room must be told now: the
    /// next request would fail here too, and streams may be open for days.
    fn over(&self) -> OpenError {
        self.0.control.drain();
        OpenError::Closed
    }

    fn failed(&self, error: &h2::Error) -> OpenError {
        let failed = open_error(error);
        if error.is_go_away() || failed == OpenError::Broken(Broken::Tunnel) {
            self.0.control.drain();
        }
        failed
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Option<SendRequest<Bytes>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, requests: &SendRequest<Bytes>) -> usize {
        requests.current_max_send_streams().min(self.limit)
    }
}

type Begun<T> = (SendRequest<Bytes>, Connection<Watched<T>, Bytes>);

async fn begin<T: Transport>(io: Watched<T>, limits: &TunnelLimits) -> Result<Begun<T>, Closed> {
    let (requests, mut connection) = builder(limits).handshake(io).await.map_err(|error| closed(&error))?;
    std::future::poll_fn(|cx| match std::pin::Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(Closed::Finished)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(closed(&error))),
        Poll::Pending if requests.current_max_send_streams() != BEFORE_SETTINGS => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await?;
    Ok((requests, connection))
}

async fn drive<T: Transport>(
    connection: Connection<Watched<T>, Bytes>,
    heard: Arc<LastHeard>,
    driving: Driving,
    tunnel: Weak<Shared>,
    limits: TunnelLimits,
) -> Closed {
    let mut connection = connection;
    let ping = connection.ping_pong().expect("taken once per connection");
    let control = &driving.0;
    let draining = async {
        control.until_draining().await;
        drop(tunnel.upgrade().map(|tunnel| tunnel.requests().take()));
        std::future::pending::<()>().await;
    };
    let how = tokio::select! {
        biased;
        () = control.until_cut() => Closed::Cut,
        () = draining => Closed::Finished,
        ended = &mut connection => ended.map_or_else(|error| closed(&error), |()| Closed::Finished),
        () = until_silent(ping, heard, limits) => Closed::Silent,
    };
    control.close(how)
}

fn builder(limits: &TunnelLimits) -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_frame_size(limits.frame)
        .max_header_list_size(limits.answer_headers)
        .max_send_buffer_size(limits.send_buffer)
        .data_frame_budget(limits.small_frames)
        .max_concurrent_reset_streams(limits.resets_remembered)
        .reset_stream_duration(limits.reset_memory)
        .max_local_error_reset_streams(Some(limits.resets_provoked))
        .max_pending_accept_reset_streams(limits.resets_before_accept)
        .initial_max_send_streams(BEFORE_SETTINGS);
    builder
}

fn open_error(error: &h2::Error) -> OpenError {
    let unprocessed = error.reason() == Some(h2::Reason::REFUSED_STREAM) || (error.is_go_away() && error.is_remote());
    if unprocessed { OpenError::Unprocessed } else { OpenError::Broken(broken_before_answer(error)) }
}

/// Before an answer, a reset without an error is a broken stream too.
fn broken_before_answer(error: &h2::Error) -> Broken {
    match broken(error) {
        Broken::Unread => Broken::Reset { code: h2::Reason::NO_ERROR.into() },
        broken => broken,
    }
}

/// The peer's stream limit until its settings are here. No settings can give this number: a limit has 32 bits, and an
/// absent one is `usize::MAX`.
const BEFORE_SETTINGS: usize = usize::MAX - 1;
