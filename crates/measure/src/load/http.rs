//! Requests of HTTP/1.1: one after the other on each connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::payload::PAGE;
use super::requests::Lane;
use super::wire::dial;

/// A connection of HTTP/1.1.
pub(super) struct HttpLane {
    sender: SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
}

impl Lane for HttpLane {
    async fn open(target: SocketAddr, drivers: &mut JoinSet<()>) -> Result<Vec<Self>, Failure> {
        let (sender, connection) = handshake(TokioIo::new(dial(target).await?)).await?;
        // How a connection fails, its requests say.
        drivers.spawn(async move { drop(connection.await) });
        Ok(vec![Self { sender, request: request(target) }])
    }

    async fn call(&mut self) -> Result<u64, Failure> {
        self.sender.ready().await?;
        let response = self.sender.send_request(self.request.clone()).await?;
        let status = response.status();
        let page = response.into_body().collect().await?.to_bytes();
        match status {
            StatusCode::OK if page == PAGE[..] => Ok(page.len() as u64),
            StatusCode::OK => Err(Failure::Answer),
            other => Err(Failure::Status(other)),
        }
    }
}

/// The marker is the path: a request has no body.
fn request(target: SocketAddr) -> Request<Empty<Bytes>> {
    let host = http::HeaderValue::from_str(&target.to_string()).expect("an address is of visible characters");
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = http::Uri::from_static(PATH);
    request.headers_mut().insert(http::header::HOST, host);
    request
}

/// The path of every request.
const PATH: &str = "/bulkhead-bench-legible-text";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::MARKER;

    #[test]
    fn the_path_is_the_marker() {
        assert_eq!(&PATH.as_bytes()[1..], MARKER);
    }
}
