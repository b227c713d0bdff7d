//! The server's side of a tunnel on h2.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, Connection, SendResponse};
use http::{Request, Response, StatusCode};
use tokio::time::timeout;

use super::control::Driving;
use super::h2_stream::{Sending, broken, closed};
use super::keepalive::{LastHeard, until_silent};
use super::transport::Watched;
use super::{
    Acceptor, Arrival, Broken, Closed, Connect, Control, H2Stream, Incoming, Refusal, StartError, Transport,
    TunnelLimits,
};

/// Begins a tunnel that a peer has asked for: waits for the preface of HTTP/2, at most [`TunnelLimits::handshake`].
pub async fn start<T: Transport>(io: T, limits: &TunnelLimits) -> Result<H2Acceptor<T>, StartError> {
    let heard = LastHeard::new();
    let control = Control::new();
    let driving = Driving(control.clone());
    let io = Watched::new(io, Arc::clone(&heard), control);
    let mut connection = match timeout(limits.handshake, builder(limits).handshake(io)).await {
        Ok(begun) => begun.map_err(|error| StartError::Ended(closed(&error)))?,
        Err(_) => return Err(StartError::Timeout { limit: limits.handshake }),
    };
    let ping = connection.ping_pong().expect("taken once per connection");
    let silence = Box::pin(until_silent(ping, heard, limits.clone()));
    Ok(H2Acceptor { driving, connection: Some(connection), silence, draining: false })
}

/// A tunnel from another proxy.
pub struct H2Acceptor<T: Transport> {
    /// Dropped before the connection, so that a connection dropped without a verdict ends abruptly.
    driving: Driving,
    /// `None` once the tunnel has ended.
    connection: Option<Connection<Watched<T>, Bytes>>,
    silence: Pin<Box<dyn Future<Output = ()> + Send>>,
    draining: bool,
}

impl<T: Transport> Acceptor for H2Acceptor<T> {
    type Incoming = H2Incoming;

    async fn accept(&mut self) -> Option<Arrival<H2Incoming>> {
        loop {
            let connection = self.connection.as_mut()?;
            let control = &self.driving.0;
            let ended = tokio::select! {
                biased;
                () = control.until_cut() => Closed::Cut,
                () = control.until_draining(), if !self.draining => {
                    self.draining = true;
                    connection.graceful_shutdown();
                    continue;
                }
                accepted = connection.accept() => match accepted {
                    Some(Ok((request, respond))) => return Some(arrival(request, respond, control)),
                    Some(Err(error)) => closed(&error),
                    None => Closed::Finished,
                },
                () = &mut self.silence => Closed::Silent,
            };
            control.close(ended);
            // With it go the socket and all streams.
            self.connection = None;
        }
    }

    fn control(&self) -> &Control {
        &self.driving.0
    }
}

/// A CONNECT that waits for its answer.
#[derive(Debug)]
pub struct H2Incoming {
    connect: Connect,
    respond: Responder,
    receive: RecvStream,
    control: Control,
}

impl Incoming for H2Incoming {
    type Stream = H2Stream;

    fn connect(&self) -> &Connect {
        &self.connect
    }

    fn accept(mut self) -> Result<H2Stream, Broken> {
        let sent = self.respond.send(StatusCode::OK, false).map_err(|error| broken(&error))?;
        Ok(H2Stream::new(Sending::new(sent, None), self.receive, self.control))
    }

    fn refuse(mut self, refusal: Refusal) {
        let status = match refusal {
            Refusal::BadTarget => StatusCode::BAD_REQUEST,
            Refusal::Denied => StatusCode::UNAUTHORIZED,
            Refusal::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.respond.answer(status);
    }

    fn decline(mut self) {
        self.respond.reset(h2::Reason::REFUSED_STREAM);
    }

    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Broken> {
        self.respond.inner.poll_reset(cx).map(|reset| match reset {
            Ok(reason) => Broken::Reset { code: reason.into() },
            Err(_) => Broken::Tunnel,
        })
    }
}

/// The right to answer one request; dropped without an answer, it resets the stream.
#[derive(Debug)]
struct Responder {
    inner: SendResponse<Bytes>,
    answered: bool,
}

impl Responder {
    fn send(&mut self, status: StatusCode, end: bool) -> Result<h2::SendStream<Bytes>, h2::Error> {
        self.answered = true;
        let mut response = Response::new(());
        *response.status_mut() = status;
        self.inner.send_response(response, end)
    }

    /// Answers with a status that ends the stream.
    fn answer(&mut self, status: StatusCode) {
        // It fails when the peer has gone, who then needs no answer. The peer's own direction may still be open; h2 ends
        // it with NO_ERROR after the answer (RFC 9113, section 8.1), which is right here: the answer is complete.
        let _ = self.send(status, true);
    }

    fn reset(&mut self, reason: h2::Reason) {
        self.answered = true;
        self.inner.send_reset(reason);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            self.reset(h2::Reason::CONNECT_ERROR);
        }
    }
}

fn arrival(request: Request<RecvStream>, respond: SendResponse<Bytes>, control: &Control) -> Arrival<H2Incoming> {
    let mut respond = Responder { inner: respond, answered: false };
    match Connect::from_request(&request) {
        Ok(connect) => {
            let (receive, control) = (request.into_body(), control.clone());
            Arrival::Request(H2Incoming { connect, respond, receive, control })
        }
        Err(malformed) => {
            respond.answer(StatusCode::BAD_REQUEST);
            Arrival::Malformed(malformed)
        }
    }
}

fn builder(limits: &TunnelLimits) -> Builder {
    let mut builder = Builder::new();
    builder
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_frame_size(limits.frame)
        .max_header_list_size(limits.request_headers)
        .max_concurrent_streams(limits.streams_accepted)
        .max_send_buffer_size(limits.send_buffer)
        .data_frame_budget(limits.small_frames)
        .max_concurrent_reset_streams(limits.resets_remembered)
        .reset_stream_duration(limits.reset_memory)
        .max_local_error_reset_streams(Some(limits.resets_provoked))
        .max_pending_accept_reset_streams(limits.resets_before_accept);
    builder
}
