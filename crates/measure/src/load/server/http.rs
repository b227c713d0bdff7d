//! The server's side of HTTP/1.1 and of gRPC.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt as _, Collected, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;

use crate::load::grpc::{GRPC, STATUS, is_call, is_message};
use crate::load::payload::PAGE;

/// Serves one connection to its end, of either version of HTTP.
pub(super) async fn serve(stream: TcpStream) -> io::Result<()> {
    let builder = Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
    served.map_err(io::Error::other)
}

type Called = WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>;
type Answer = Either<Full<Bytes>, Called>;

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    Ok(if is_call(request.headers()) { call(request).await } else { page() })
}

fn page() -> Response<Answer> {
    static BODY: LazyLock<Bytes> = LazyLock::new(|| Bytes::from_static(&PAGE));
    Response::new(Either::Left(Full::new(BODY.clone())))
}

/// The message comes back as it is.
async fn call(request: Request<Incoming>) -> Response<Answer> {
    let message = Limited::new(request.into_body(), LARGEST).collect().await.map(Collected::to_bytes);
    let (message, status) = match message {
        Ok(message) if is_message(&message) => (message, OK),
        _ => (Bytes::new(), INVALID_ARGUMENT),
    };
    let trailers = HeaderMap::from_iter([(STATUS.clone(), HeaderValue::from_static(status))]);
    let mut response = Response::new(Either::Right(Full::new(message).with_trailers(ready(Some(Ok(trailers))))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    response
}

/// Status codes of gRPC.
const OK: &str = "0";
const INVALID_ARGUMENT: &str = "3";
/// The largest message that is taken.
const LARGEST: usize = 64 * 1024;
