//! Unary gRPC calls (PROTOCOL-HTTP2 of the gRPC project), many at a time in one HTTP/2 connection.
//!
//! The message is 128 bytes and comes back as it is. Of gRPC there is what goes over the wire: path, content type, the
//! five bytes before a message, and the status in the trailers.

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::payload::LINE;
use super::requests::Lane;
use super::wire::{TRIP, dial};

/// How many calls are under way at a time on each connection, at most.
const CALLS: usize = 16;

/// One of the calls under way on a connection.
pub(super) struct GrpcLane {
    sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    message: Bytes,
}

impl Lane for GrpcLane {
    async fn open(target: SocketAddr, drivers: &mut JoinSet<()>) -> Result<Vec<Self>, Failure> {
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(dial(target).await?)).await?;
        // How a connection fails, its calls say.
        drivers.spawn(async move { drop(connection.await) });
        let message = frame(&LINE);
        let request = request(target, message.clone());
        Ok((0..CALLS)
            .map(|_| Self { sender: sender.clone(), request: request.clone(), message: message.clone() })
            .collect())
    }

    async fn call(&mut self) -> Result<u64, Failure> {
        self.sender.ready().await?;
        let response = self.sender.send_request(self.request.clone()).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let status = grpc_status(&head.headers, body.trailers());
        match (head.status, status.as_deref()) {
            (StatusCode::OK, Some("0")) if body.to_bytes() == self.message => Ok(TRIP),
            (StatusCode::OK, Some("0")) => Err(Failure::Answer),
            (StatusCode::OK, status) => Err(Failure::GrpcStatus(status.unwrap_or("none").to_owned())),
            (other, _) => Err(Failure::Status(other)),
        }
    }
}

/// Whether a request is a gRPC call.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(GRPC.as_bytes()))
}

/// Whether this is one whole message, not compressed.
pub(super) fn is_message(framed: &[u8]) -> bool {
    let Some((&[compressed, ref length @ ..], message)) = framed.split_first_chunk::<5>() else { return false };
    compressed == 0 && u32::from_be_bytes(*length) as usize == message.len()
}

/// Where a call's status stands.
pub(super) static STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The content type of requests and answers.
pub(super) const GRPC: &str = "application/grpc";

fn frame(message: &[u8; 128]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(128);
    framed.put_slice(message);
    framed.freeze()
}

fn request(target: SocketAddr, message: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(message));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("http://{target}{PATH}").parse::<Uri>().expect("an address and a path are a URI");
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    request
}

/// From the trailers; from the headers where there is no message.
fn grpc_status(headers: &HeaderMap, trailers: Option<&HeaderMap>) -> Option<String> {
    let status = trailers.and_then(|trailers| trailers.get(&STATUS)).or(headers.get(&STATUS))?;
    Some(String::from_utf8_lossy(status.as_bytes()).into_owned())
}

/// The method that is called.
const PATH: &str = "/bulkhead.bench.Echo/Call";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_has_its_length_before_it() {
        assert!(is_message(&frame(&LINE)));
        for (framed, whole) in [
            (&b""[..], false),
            (b"\0\0\0\0", false),
            (b"\0\0\0\0\0", true),
            (b"\x01\0\0\0\0", false),
            (b"\0\0\0\0\x01", false),
            (b"\0\0\0\0\x01x", true),
            (b"\0\0\0\0\x01xy", false),
            (b"\0\xff\xff\xff\xffx", false),
        ] {
            assert_eq!(is_message(framed), whole, "{framed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reading_of_a_message_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            is_message(&bytes);
        }
    }
}
