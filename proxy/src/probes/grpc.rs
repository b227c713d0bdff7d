//! A gRPC check: `grpc.health.v1.Health/Check` in clear, answered with `SERVING`.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::Code;

use super::driving::{Helpers, while_driven};
use super::failure::Complaint;
use super::health::{self, Health};

/// Asks for the health of `service` over a connection to `at`.
pub(super) async fn ask(stream: TcpStream, at: SocketAddr, service: &str) -> Result<(), Complaint> {
    let request = request(at, service).map_err(Complaint::Request)?;
    let helpers = Helpers::default();
    let mut settings = http2::Builder::new(helpers.spawner());
    settings.max_header_list_size(MAX_HEADERS);
    let (mut sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(Complaint::Http)?;
    let asking = async move { judge(sender.send_request(request).await.map_err(Complaint::Http)?).await };
    while_driven(connection, asking).await
}

async fn judge(response: Response<Incoming>) -> Result<(), Complaint> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(Complaint::Status { status: head.status });
    }
    let message = Limited::new(body, MAX_MESSAGE).collect().await.map_err(Complaint::Message)?;
    // A call that fails at once has its status among the headers and no trailers.
    match message.trailers().and_then(code).or_else(|| code(&head.headers)) {
        None => Err(Complaint::NoGrpcStatus),
        Some(Code::Ok) => serving(&message.to_bytes()),
        Some(code) => Err(Complaint::GrpcStatus { code }),
    }
}

fn serving(message: &[u8]) -> Result<(), Complaint> {
    match health::read(message).ok_or(Complaint::NotHealth)? {
        Health::Serving => Ok(()),
        health => Err(Complaint::NotServing { health }),
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|status| Code::from_bytes(status.as_bytes()))
}

fn request(at: SocketAddr, service: &str) -> Result<Request<Full<Bytes>>, http::Error> {
    let request = Request::post(format!("http://{at}/grpc.health.v1.Health/Check"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(TE, HeaderValue::from_static("trailers"))
        .header(USER_AGENT, HeaderValue::from_static("kube-probe/bulkhead"));
    request.body(Full::new(health::question(service).into()))
}

/// The answer is a few bytes.
const MAX_MESSAGE: usize = 10 * 1024;
const MAX_HEADERS: u32 = 16 * 1024;
