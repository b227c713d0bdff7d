//! Answers of applications that are asked by HTTP, in clear and over TLS.

use std::sync::Arc;

use bulkhead_mesh::probe::{Check, Header, HttpCheck, Scheme};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;

use super::world::{LIVENESS, World, get, listen, say_once};
use crate::tests::support::within;

#[tokio::test]
async fn the_status_decides() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok").await;
    check("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "ok").await;
    check("HTTP/1.1 204 No Content\r\n\r\n", 200, "ok").await;
    check("HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n", 200, "ok").await;
    check("HTTP/1.1 399 Odd\r\ncontent-length: 0\r\n\r\n", 200, "ok").await;
    check("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", 503, "the status is 400 Bad Request").await;
    check("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", 503, "the status is 500").await;
}

#[tokio::test]
async fn an_answer_that_is_not_whole_or_not_http_does_not_pass() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab", 503, "HTTP failed").await;
    check("SSH-2.0-OpenSSH\r\n\r\n", 503, "HTTP failed").await;
    check("", 503, "HTTP failed").await;
    check(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024)), 503, "HTTP failed").await;
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_enough() {
    // The rest does not come.
    let beginning = "a".repeat(10 * 1024);
    check(&format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{beginning}"), 200, "ok").await;
}

#[tokio::test]
async fn what_was_asked_is_told_without_what_may_be_secret() {
    let (app, port) = listen().await;
    let token = Header { name: "authorization".into(), value: "sesame".into() };
    let asked = HttpCheck { scheme: Scheme::Http, port, path: "/ok?key=sesame".into(), headers: vec![token] };
    let world = World::asking(Check::Http(asked));
    let serving = async { say_once(app.accept().await.unwrap().0, b"HTTP/1.1 401 No\r\n\r\n").await };
    let (heard, (status, said)) = within("the check", async { tokio::join!(serving, world.ask(LIVENESS)) }).await;
    assert!(heard.starts_with("GET /ok?key=sesame HTTP/1.1\r\nauthorization: sesame\r\n"), "{heard}");
    assert_eq!(status, 503);
    assert!(said.contains(&format!("(GET /ok over HTTP on port {port})")) && !said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn the_certificate_is_not_looked_at_and_old_tls_will_do() {
    for version in [&TLS12, &TLS13] {
        let (app, port) = listen().await;
        let world = World::asking(get(Scheme::Https, port));
        let acceptor = TlsAcceptor::from(self_signed(version));
        let serving = async {
            let stream = acceptor.accept(app.accept().await.unwrap().0).await.unwrap();
            say_once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
        };
        let (heard, ()) = within("the check", async { tokio::join!(serving, world.check(200, "ok")) }).await;
        assert!(heard.starts_with("GET /ok HTTP/1.1\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn an_application_that_speaks_no_tls_does_not_pass_where_it_should() {
    let (app, port) = listen().await;
    let world = World::asking(get(Scheme::Https, port));
    // Its first words are no record of TLS; what it hears has no end that it knows.
    let serving = async {
        let (stream, _) = app.accept().await.unwrap();
        stream.writable().await.unwrap();
        stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        stream
    };
    let (_open, ()) =
        within("the check", async { tokio::join!(serving, world.check(503, "the TLS handshake failed")) }).await;
}

async fn check(answer: &str, status: u16, words: &str) {
    let (app, port) = listen().await;
    let world = World::asking(get(Scheme::Http, port));
    let serving = async { say_once(app.accept().await.unwrap().0, answer.as_bytes()).await };
    within("the check", async { tokio::join!(serving, world.check(status, words)) }).await;
    world.until_counted(if status == 200 { "passed" } else { "failed" }, 1).await;
}

fn self_signed(version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let shown = rcgen::generate_simple_self_signed(["elsewhere.example".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(shown.signing_key.serialize_der());
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![shown.cert.der().clone()], key.into()).unwrap())
}
