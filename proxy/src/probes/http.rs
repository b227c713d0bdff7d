//! An HTTP check: a GET, answered with a status from 200 to 399.
//!
//! As the kubelet asks it, but for two things: no redirect is followed, since where it leads is not this workload's
//! health, and the status alone decides.

use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_mesh::probe::{HttpCheck, Scheme};
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::danger;
use super::driving::while_driven;
use super::failure::Complaint;

/// Asks over a connection to `at`.
pub(super) async fn ask(
    stream: TcpStream,
    at: SocketAddr,
    check: &HttpCheck,
    danger_any_certificate: &Arc<ClientConfig>,
) -> Result<(), Complaint> {
    let request = request(check, at).map_err(Complaint::Request)?;
    match check.scheme {
        Scheme::Http => get(stream, request).await,
        Scheme::Https => get(danger::encrypt(danger_any_certificate, at, stream).await?, request).await,
    }
}

async fn get(stream: impl AsyncRead + AsyncWrite + Unpin, request: Request<Empty<Bytes>>) -> Result<(), Complaint> {
    let mut settings = http1::Builder::new();
    settings.max_buf_size(MAX_HEADERS);
    let (mut sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(Complaint::Http)?;
    let asking = async move { judge(sender.send_request(request).await.map_err(Complaint::Http)?).await };
    while_driven(connection, asking).await
}

async fn judge(response: Response<Incoming>) -> Result<(), Complaint> {
    let status = response.status();
    if !(200..400).contains(&status.as_u16()) {
        return Err(Complaint::Status { status });
    }
    throw_away(response.into_body()).await.map_err(Complaint::Http)
}

/// An answer that breaks off is none; one that goes on for ever is read in part.
async fn throw_away(mut body: Incoming) -> Result<(), hyper::Error> {
    let mut read = 0;
    while read < MAX_BODY
        && let Some(frame) = body.frame().await
    {
        read += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(())
}

fn request(check: &HttpCheck, at: SocketAddr) -> Result<Request<Empty<Bytes>>, http::Error> {
    let path = check.path.parse::<PathAndQuery>()?;
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path.into();
    for header in &check.headers {
        let (name, value) = (header.name.parse::<HeaderName>()?, header.value.parse::<HeaderValue>()?);
        request.headers_mut().try_append(name, value)?;
    }
    complete(request.headers_mut(), at)?;
    Ok(request)
}

/// Adds what is not given. What is given without a value is left out, as the kubelet leaves out `Accept`.
fn complete(headers: &mut HeaderMap, at: SocketAddr) -> Result<(), http::Error> {
    if headers.get(HOST).is_none_or(HeaderValue::is_empty) {
        headers.insert(HOST, at.to_string().parse::<HeaderValue>()?);
    }
    for (name, usual) in [(USER_AGENT, "kube-probe/bulkhead"), (ACCEPT, "*/*"), (CONNECTION, "close")] {
        match headers.get(&name) {
            None => drop(headers.insert(name, HeaderValue::from_static(usual))),
            Some(given) if given.is_empty() => drop(headers.remove(&name)),
            Some(_) => {}
        }
    }
    Ok(())
}

/// As the kubelet reads.
const MAX_BODY: usize = 10 * 1024;
/// Of an answer, and the room in which its body passes.
const MAX_HEADERS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use bulkhead_mesh::probe::Header;

    use super::*;

    fn check(path: &str, headers: &[(&str, &str)], expected: Result<&[(&str, &str)], &str>) {
        let headers = headers.iter().map(|(name, value)| Header { name: (*name).into(), value: (*value).into() });
        let port = NonZeroU16::new(8080).unwrap();
        let asked = HttpCheck { scheme: Scheme::Http, port, path: path.into(), headers: headers.collect() };
        match request(&asked, "10.9.0.2:8080".parse().unwrap()) {
            Ok(request) => {
                assert_eq!(request.uri().to_string(), path);
                let sent = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
                assert_eq!(Ok(sent.collect::<Vec<_>>().as_slice()), expected);
            }
            Err(error) => assert!(error.to_string().contains(expected.unwrap_err()), "{error}"),
        }
    }

    #[test]
    fn headers_are_kept_and_what_is_missing_is_added() {
        let (host, agent) = (("host", "10.9.0.2:8080"), ("user-agent", "kube-probe/bulkhead"));
        let (any, close) = (("accept", "*/*"), ("connection", "close"));
        check("/", &[], Ok(&[host, agent, any, close]));
        check("/a?b=c", &[("X-A", "1"), ("X-A", "2")], Ok(&[("x-a", "1"), ("x-a", "2"), host, agent, any, close]));
        check("/", &[("Host", "shop"), ("Accept", "")], Ok(&[("host", "shop"), agent, close]));
        check("/", &[("User-Agent", "curl"), ("host", "")], Ok(&[("user-agent", "curl"), host, any, close]));
        check("healthz", &[], Err(""));
        check("/a b", &[], Err(""));
        check("/", &[("a b", "1")], Err("header name"));
        check("/", &[("a", "1\n2")], Err("header value"));
    }
}
