//! The port at which the API server asks: HTTPS, one path, and a bound for everything that whoever reaches it can take.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::questions::{Answer, text};
use bulkhead_daemon::{Stop, chain};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::config::Limits;
use super::desk::{Desk, NoAnswer};
use super::intake::{Intake, Unread};
use super::metrics::Trouble;

/// The port, bound.
pub(crate) struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    limits: Limits,
    intake: Intake,
    turns: Semaphore,
    desk: Arc<Desk>,
}

impl Server {
    /// Binds the port; nobody is answered yet.
    pub(crate) async fn bind(
        address: SocketAddr,
        acceptor: TlsAcceptor,
        limits: Limits,
        desk: Desk,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let intake = Intake::new(limits.request_bytes, limits.request_values);
        let turns = Semaphore::new(limits.requests);
        Ok(Self { listener, acceptor, limits, intake, turns, desk: Arc::new(desk) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until stopped, and for a while longer: until every API server has heard that it asks another replica.
    pub(crate) async fn serve(self, stop: Stop) {
        let server = Arc::new(self);
        let leaving = async {
            stop.stopped().await;
            sleep(server.limits.drain).await;
        };
        let mut leaving = pin!(leaving);
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let full = connections.len() >= server.limits.connections;
            tokio::select! {
                () = &mut leaving => break,
                _ = connections.join_next(), if full => {}
                accepted = server.listener.accept(), if !full => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&server).connection(stream))),
                    // Without descriptors there is nothing to do but wait for some.
                    Err(problem) => {
                        warn!(problem = chain(&problem), "no connection could be accepted");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
        let _ = timeout(server.limits.request, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // Without it an answer is only later.
        let _ = stream.set_nodelay(true);
        let stream = match timeout(self.limits.handshake, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(problem)) => {
                debug!(problem = chain(&problem), "a handshake has failed");
                return self.desk.metrics.unanswered(Trouble::Handshake);
            }
            Err(_) => return self.desk.metrics.unanswered(Trouble::Handshake),
        };
        let service = service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.respond(request).await) }
        });
        // One question each: the next comes to whichever replica is there, which shows its present certificate; and whoever else
        // in the cluster reaches this port cannot take all connections by holding them open.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.handshake)
            .max_buf_size(LONGEST_HEADERS)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        let whole = self.limits.handshake.saturating_add(self.limits.request).saturating_add(TO_SEND);
        // A client that is gone has no use for an error, and neither has the log.
        let _ = timeout(whole, connection).await;
    }

    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        if request.uri().path() != PATH {
            return text(StatusCode::NOT_FOUND, format!("there is nothing but {PATH}\n"));
        }
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, format!("{PATH} takes a POST\n"));
        }
        let Ok(answer) = timeout(self.limits.request, self.work(request)).await else {
            self.desk.metrics.unanswered(Trouble::Deadline);
            return text(StatusCode::SERVICE_UNAVAILABLE, "there was no time to answer\n");
        };
        answer
    }

    async fn work(&self, request: Request<Incoming>) -> Answer {
        let question = match self.intake.read(request.into_body()).await {
            Ok(question) => question,
            Err(Unread::TooLarge) => {
                self.desk.metrics.unanswered(Trouble::TooLarge);
                let limit = self.limits.request_bytes;
                return text(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("a question has at most {limit} bytes (`--max-request-bytes`)\n"),
                );
            }
            Err(Unread::TooMany { values }) => {
                self.desk.metrics.unanswered(Trouble::TooLarge);
                let limit = self.limits.request_values;
                return text(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("a question has at most {limit} values, and not {values} (`--max-request-values`)\n"),
                );
            }
            Err(Unread::BrokeOff) => return text(StatusCode::BAD_REQUEST, "the question broke off\n"),
        };
        // Only now: who sends slowly takes nobody's turn. Nobody closes the semaphore.
        let _turn = self.turns.acquire().await;
        match Arc::clone(&self.desk).answer(&question.bytes).await {
            Ok(answer) => json(answer),
            Err(problem @ NoAnswer::Review(_)) => text(StatusCode::BAD_REQUEST, format!("{problem}\n")),
            Err(problem @ NoAnswer::Namespace(_)) => {
                warn!(problem = chain(&problem), "a question has no answer");
                text(StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n", chain(&problem)))
            }
        }
    }
}

fn json(body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Where the API server asks.
const PATH: &str = "/inject";
/// For the answer's way out.
const TO_SEND: Duration = Duration::from_secs(2);
const LONGEST_HEADERS: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
