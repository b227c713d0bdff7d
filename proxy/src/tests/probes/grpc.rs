//! Answers of applications that are asked by gRPC for their health.

use std::convert::Infallible;
use std::future::ready;

use bulkhead_mesh::probe::Check;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::world::{World, listen, say_once};
use crate::tests::support::within;

#[tokio::test]
async fn only_a_service_that_serves_passes() {
    check("", 200, "ok").await;
    check("db", 200, "ok").await;
    check("sick", 503, "the health is NOT_SERVING").await;
    check("starting", 503, "the health is UNKNOWN").await;
    check("nobody", 503, "the gRPC call failed (Some requested entity was not found)").await;
    check("garbled", 503, "the message is not one of grpc.health.v1").await;
    check("mute", 503, "there is no gRPC status").await;
    check("web", 503, "the status is 404").await;
    check("endless", 503, "the message does not end as it should").await;
}

#[tokio::test]
async fn an_application_that_speaks_no_http_2_does_not_pass() {
    let (app, port) = listen().await;
    let world = World::asking(Check::Grpc { port, service: String::new() });
    let serving = async { say_once(app.accept().await.unwrap().0, b"HTTP/1.1 400 Bad Request\r\n\r\n").await };
    within("the check", async { tokio::join!(serving, world.check(503, "HTTP failed")) }).await;
    world.until_counted("failed", 1).await;
}

async fn check(service: &str, status: u16, words: &str) {
    let (app, port) = listen().await;
    let world = World::asking(Check::Grpc { port, service: service.into() });
    let serving = tokio::spawn(serve(app));
    world.check(status, words).await;
    world.until_counted(if status == 200 { "passed" } else { "failed" }, 1).await;
    // The proxy has closed the connection, which is the end of the server.
    within("the end of the connection", serving).await.unwrap();
}

/// Serves one connection.
async fn serve(app: TcpListener) {
    let (stream, _) = app.accept().await.unwrap();
    let connection = http2::Builder::new(TokioExecutor::new());
    // How it ends is the proxy's choice.
    let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// More than is read of an answer.
static ENDLESS: [u8; 20 * 1024] = [0; 20 * 1024];

type Body = BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    assert_eq!(request.headers()["content-type"], "application/grpc");
    let asked = request.into_body().collect().await.unwrap().to_bytes();
    Ok(match asked.get(7..).unwrap_or_default() {
        b"" | b"db" => health(b"\0\0\0\0\x02\x08\x01", Some("0")),
        b"sick" => health(b"\0\0\0\0\x02\x08\x02", Some("0")),
        b"starting" => health(b"\0\0\0\0\0", Some("0")),
        b"garbled" => health(b"\0\0\0\0\x02\x08", Some("0")),
        b"mute" => health(b"\0\0\0\0\x02\x08\x01", None),
        b"endless" => health(&ENDLESS, Some("0")),
        b"web" => at_once(StatusCode::NOT_FOUND, None),
        _ => at_once(StatusCode::OK, Some("5")),
    })
}

/// A message, and the status of the call after it.
fn health(message: &'static [u8], code: Option<&'static str>) -> Response<Body> {
    let trailers = code.map(|code| Ok(HeaderMap::from_iter([status(code)])));
    Response::new(Full::new(Bytes::from_static(message)).with_trailers(ready(trailers)).boxed())
}

/// No message.
fn at_once(http: StatusCode, code: Option<&'static str>) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed());
    *response.status_mut() = http;
    response.headers_mut().extend(code.map(status));
    response
}

fn status(code: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))
}
