//! A whole proxy, from its start without anything to its end.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use bulkhead_daemon::Stopper;
use bulkhead_mesh::Mode;
use bulkhead_mesh::probe::Probes;
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{is_reset, within};
use crate::capture::Ports;
use crate::identity_source::Origin;
use crate::identity_source::token::TokenSource;
use crate::limits::ProxyLimits;
use crate::run::{Proxy, RunConfig};

#[tokio::test]
async fn a_proxy_that_knows_nothing_resets_everything_says_so_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let agent = format!("unix://{}/api.sock", directory.path().display());
    let config = config(Origin::WorkloadApi(agent.parse().unwrap()), directory.path());
    let proxy = Proxy::open(config).await.unwrap();
    let ports = proxy.ports();
    let (stopper, stop) = Stopper::new();
    let running = tokio::spawn(proxy.run(stop));
    for port in [ports.outbound, ports.inbound, ports.tunnel] {
        is_reset(&mut TcpStream::connect(local(port)).await.unwrap()).await;
    }
    for port in [ports.admin, ports.probe.unwrap()] {
        let answer = ask(port, "/ready").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("policy"), "{answer}");
        assert!(ask(port, "/live").await.starts_with("HTTP/1.1 200"));
    }
    assert!(ask(ports.probe.unwrap(), "/metrics").await.starts_with("HTTP/1.1 404"), "it is for the host alone");
    let metrics = ask(ports.admin, "/metrics").await;
    assert!(
        metrics.contains(r#"bulkhead_handshakes_refused_total{direction="inbound",reason="not-ready"} 1"#),
        "{metrics}"
    );
    stopper.stop();
    within("the end of the proxy", running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pod_without_a_certificate_says_at_both_ports_why() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::PodToken(TokenSource {
        token: TokenFile::new(directory.path().join("token")),
        roots: RootsFile::new(directory.path().join("root.pem"), "prod.example".parse().unwrap()),
        ca: vec!["127.0.0.1:1".into()],
        state: directory.path().into(),
        look_at_roots_every: TokenSource::LOOK_AT_ROOTS_EVERY,
    });
    let proxy = Proxy::open(config(origin, directory.path())).await.unwrap();
    let (ports, (stopper, stop)) = (proxy.ports(), Stopper::new());
    let running = tokio::spawn(proxy.run(stop));
    for port in [ports.admin, ports.probe.unwrap()] {
        let mut answer = String::new();
        let told = async {
            while !answer.contains("this workload has no certificate (cannot read the roots") {
                answer = ask(port, "/ready").await;
            }
        };
        within("the reason", told).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    }
    stopper.stop();
    within("the end of the proxy", running).await.unwrap().unwrap();
}

/// A proxy at free ports of this host.
fn config(identity: Origin, directory: &Path) -> RunConfig {
    RunConfig {
        ca: vec!["127.0.0.1:1".into()],
        identity,
        expected: None,
        state: directory.into(),
        admin: local(0),
        probe_address: Some(local(0)),
        probes: Probes::default(),
        ports: Ports { outbound: 0, inbound: 0, tunnel: 0, admin: 0, probe: None },
        excluded: Vec::new(),
        addresses: Vec::new(),
        mode: Mode::Strict,
        limits: ProxyLimits { grace: Duration::from_millis(10), ..ProxyLimits::default() },
        version: "0.0.0".into(),
    }
}

async fn ask(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(local(port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
