//! One connection over which a program is asked short questions by HTTP/1, and the answers that every program has.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::admin::Subject;

/// What is answered, whole.
pub type Answer = Response<Full<Bytes>>;

/// Answers what is asked over one connection until its client has enough. A client that is gone ends the question that
/// it has asked.
pub async fn converse<F>(stream: TcpStream, respond: impl Fn(Request<Incoming>) -> F)
where
    F: Future<Output = Answer>,
{
    let service = service_fn(|request| {
        let answer = respond(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // A client that is gone has no use for an error, and neither has the log.
    let _ = connection.await;
}

/// The answer to `/live` and `/ready`; none to any other path.
pub fn health(path: &str, subject: &dyn Subject) -> Option<Answer> {
    match path {
        "/live" => Some(text(StatusCode::OK, "live\n")),
        "/ready" => Some(match subject.not_ready() {
            None => text(StatusCode::OK, "ready\n"),
            Some(missing) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
        }),
        _ => None,
    }
}

/// An answer in words.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
}

const MAX_HEADERS: usize = 16 * 1024;
const HEADER_DEADLINE: Duration = Duration::from_secs(5);
