//! The application by itself, and with clients that are not ours.

use std::net::SocketAddr;

use bytes::Bytes;
use http::uri::PathAndQuery;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use super::super::kind::Own;
use super::super::testing::application;
use super::super::wire::{dial, opening, round_trip};

/// Says this and ends, and returns what comes back; a reset is an end as well.
async fn say(target: SocketAddr, words: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(target).await.unwrap();
    let _ = stream.write_all(words).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.take(1024 * 1024).read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_connection_that_begins_with_nonsense_is_closed() {
    let target = application().await;
    for words in [&b""[..], b"\x16\x03\x01", b"get / HTTP/1.1\r\n\r\n", b" u", b"\xff\xff"] {
        assert_eq!(say(target, words).await, b"", "{words:?}");
    }
}

#[tokio::test]
async fn the_sink_says_how_many_bytes_it_took() {
    let words = [&b"u\0\0\0\0\0\0\0\x01"[..], &[b'x'; 1000]].concat();
    assert_eq!(say(application().await, &words).await, 1000_u64.to_be_bytes());
}

#[tokio::test]
async fn a_message_that_is_cut_short_has_no_answer() {
    for words in [&b"o"[..], b"oabc", b"u", b"u\0\0", b"l", b"l\0\0\0\0\0\0\0"] {
        assert_eq!(say(application().await, words).await, b"", "{words:?}");
    }
}

#[tokio::test]
async fn any_grpc_client_can_call_it() {
    let endpoint = Endpoint::from_shared(format!("http://{}", application().await)).unwrap();
    let mut client = Grpc::new(endpoint.connect().await.unwrap());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/bulkhead.bench.Echo/Call");
    let message = Bytes::from_static(b"anything");
    let request = tonic::Request::new(message.clone());
    let answer = client.unary(request, path, ProstCodec::<Bytes, Bytes>::default()).await.unwrap();
    assert_eq!(answer.into_inner(), message);
}

/// Most random bytes would be refused at the first: some begin with what is understood.
fn beginnings() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b""[..],
        b"u\0\0\0\0\0\0\0\x01",
        b"d",
        b"e",
        b"o",
        b"l\0\0\0\0\0\0\0\x01",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nContent-Type: application/grpc\r\nContent-Length: 6\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]);
    (known, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(known, rest)| [known, &rest].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_end_the_application(words in prop::collection::vec(beginnings(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let target = application().await;
            for words in &words {
                say(target, words).await;
            }
            let mut stream = dial(target).await.unwrap();
            round_trip(&mut stream, &opening(Own::Echo)).await.unwrap();
        });
    }
}
