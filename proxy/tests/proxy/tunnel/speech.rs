//! What a tunnel says on the wire, and how requests are answered.

use bulkhead_proxy::tunnel::{Arrival, Connect, Incoming, Malformed, OpenError, Refusal, Tunnel, TunnelLimits, server};

use crate::support::wire::{Frame, HEADERS, Peer, SETTINGS, WINDOW_UPDATE};
use crate::support::{client_of, connect, ends, request, requests_of, within};

#[tokio::test]
async fn a_client_begins_with_the_settings_of_hbone() {
    let (mut peer, io) = Peer::server(&[]).await;
    let (_tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
    peer.expect_preface().await;
    let settings = peer.expect(SETTINGS).await.pairs();
    for pair in [(2, 0), (4, 4_194_304), (5, 1_048_576), (6, 16_384)] {
        assert!(settings.contains(&pair), "{pair:?} in {settings:?}");
    }
    let update = peer.expect(WINDOW_UPDATE).await;
    assert_eq!((update.stream, update.number()), (0, 16_711_681));
}

#[tokio::test]
async fn a_server_begins_with_the_settings_of_hbone() {
    let (mut peer, io) = Peer::client().await;
    let _requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    let settings = peer.expect(SETTINGS).await.pairs();
    for pair in [(3, 200), (4, 4_194_304), (5, 1_048_576), (6, 65_536)] {
        assert!(settings.contains(&pair), "{pair:?} in {settings:?}");
    }
    let update = peer.expect(WINDOW_UPDATE).await;
    assert_eq!((update.stream, update.number()), (0, 16_711_681));
}

#[tokio::test]
async fn a_request_says_where_to_and_for_whom() {
    let mut ends = ends(&TunnelLimits::default()).await;
    for (target, client) in [("10.9.0.2:5432", Some("10.9.0.1:48528")), ("[2001:db8::2]:80", None)] {
        let asked = Connect { target: target.parse().unwrap(), client: client.map(|client| client.parse().unwrap()) };
        let (opened, _far) = tokio::join!(ends.tunnel.open(&asked), async {
            let incoming = request(&mut ends.requests).await;
            assert_eq!(incoming.connect(), &asked);
            incoming.accept().unwrap()
        });
        assert!(opened.is_ok());
    }
}

#[tokio::test]
async fn a_refusal_has_its_status_and_the_tunnel_stays_usable() {
    let mut ends = ends(&TunnelLimits::default()).await;
    for (refusal, status) in [(Refusal::BadTarget, 400), (Refusal::Denied, 401), (Refusal::Unreachable, 503)] {
        let asked = connect();
        let (opened, ()) = tokio::join!(ends.tunnel.open(&asked), async {
            request(&mut ends.requests).await.refuse(refusal);
        });
        assert_eq!(opened.err(), Some(OpenError::Refused { status }));
    }
    assert_eq!(ends.tunnel.room(), 100);
}

#[tokio::test]
async fn any_status_but_200_is_a_refusal() {
    for status in [201, 204, 302, 404] {
        let (mut peer, io) = Peer::server(&[]).await;
        let (tunnel, _driver) = client_of(io, &TunnelLimits::default()).await;
        let open = tokio::spawn(async move { tunnel.open(&connect()).await.err() });
        peer.expect_preface().await;
        let asked = peer.expect(HEADERS).await;
        peer.send(&[Frame::answer(asked.stream, status)]).await;
        assert_eq!(within("the refusal", open).await.unwrap(), Some(OpenError::Refused { status }));
    }
}

#[tokio::test]
async fn what_is_no_connect_to_an_address_is_answered_400_and_reported() {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    let asked = ["nonsense", "10.9.0.1", "10.9.0.1:0", "10.9.0.1:99999", "user@10.9.0.1:80", "db.shop:80", ":80"];
    let mut stream = 1;
    for frame in asked.map(|authority| Frame::connect(0, authority)).into_iter().chain([Frame::get(0, "10.9.0.1:80")]) {
        peer.send(&[Frame { stream, ..frame }]).await;
        let answer = peer.expect(HEADERS).await;
        // 0x8c is `:status 400` in the static table (RFC 7541, appendix A).
        assert_eq!((answer.stream, answer.payload[0]), (stream, 0x8c));
        assert!(matches!(requests.recv().await, Some(Arrival::Malformed(_))));
        stream += 2;
    }
    peer.send(&[Frame::connect(stream, "10.9.0.1:80")]).await;
    assert_eq!(request(&mut requests).await.connect().target.to_string(), "10.9.0.1:80");
}

#[tokio::test]
async fn a_get_is_told_from_a_bad_target() {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    peer.send(&[Frame::get(1, "10.9.0.1:80")]).await;
    assert!(matches!(requests.recv().await, Some(Arrival::Malformed(Malformed::Method))));
}

#[tokio::test]
async fn unknown_frames_settings_and_headers_are_ignored() {
    let (mut peer, io) = Peer::client().await;
    let mut requests = requests_of(server::start(io, &TunnelLimits::default()).await.unwrap());
    let unknown =
        [Frame::settings(&[(0x7777, 1)]), Frame::new(0x77, 0xff, 0, b"what"), Frame::connect(1, "10.9.0.1:80")];
    peer.send(&unknown).await;
    peer.send(&[Frame::new(0x77, 0xff, 1, b"what")]).await;
    assert_eq!(request(&mut requests).await.connect().target.port(), 80);
    peer.drain().await;
}
