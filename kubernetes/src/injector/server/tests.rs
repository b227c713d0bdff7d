//! The port as strangers find it: over real TLS, before an API server that knows one namespace.

use bulkhead_cluster::names::{ENABLED, INJECT};
use bulkhead_daemon::Stopper;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::testing::{desk, review};
use super::*;

/// An injector's port.
struct Port {
    address: SocketAddr,
    connector: TlsConnector,
    _stopper: Stopper,
    _serving: JoinSet<()>,
}

impl Port {
    async fn open(limits: Limits) -> Self {
        let (acceptor, connector) = tls();
        let server =
            Server::bind(([127, 0, 0, 1], 0).into(), acceptor, limits, desk(&json!({INJECT: ENABLED}))).await.unwrap();
        let (address, (stopper, stop), mut serving) = (server.address().unwrap(), Stopper::new(), JoinSet::new());
        serving.spawn(server.serve(stop));
        Self { address, connector, _stopper: stopper, _serving: serving }
    }

    /// The head of a question of this length, and as much of it.
    async fn send(&self, length: usize, sent: &[u8]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = self.connector.connect(name, stream).await.unwrap();
        let head = format!(
            "POST /inject HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream.flush().await.unwrap();
        stream
    }

    /// The status and the body of the answer to a whole question.
    async fn ask(&self, question: &Value) -> (String, String) {
        let question = question.to_string();
        let (mut stream, mut answer) = (self.send(question.len(), question.as_bytes()).await, String::new());
        stream.read_to_string(&mut answer).await.unwrap();
        let answer = answer.strip_prefix(CONTINUE).unwrap_or(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }
}

/// A server's and a client's side that know each other.
fn tls() -> (TlsAcceptor, TlsConnector) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, provider) = (CertificateDer::from(cert), Arc::new(default_provider()));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13]).unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server).into(), Arc::new(client).into())
}

#[tokio::test]
async fn slow_senders_beyond_all_turns_keep_nobody_waiting() {
    let port = Port::open(LIMITS).await;
    let mut slow = Vec::new();
    for _ in 0..LIMITS.requests {
        let mut stream = port.send(1000, b"{").await;
        // The server says this when it begins to read: from now on it waits for the rest.
        let mut said = [0; CONTINUE.len()];
        timeout(DEADLINE, stream.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(said, CONTINUE.as_bytes());
        slow.push(stream);
    }
    for _ in 0..4 * LIMITS.requests {
        slow.push(port.send(1000, b"{").await);
    }
    let question = review("shop", &json!({"spec": {"containers": [{"name": "app"}]}}));
    let (status, body) = timeout(DEADLINE, port.ask(&question)).await.expect("an answer in spite of slow senders");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch", "{answer}");
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const DEADLINE: Duration = Duration::from_secs(20);
/// Nobody is given up before the test is.
const LIMITS: Limits = Limits {
    request_bytes: 1024 * 1024,
    request_values: 1000,
    requests: 2,
    connections: 64,
    handshake: DEADLINE.saturating_mul(2),
    request: DEADLINE.saturating_mul(2),
    drain: DEADLINE,
};
