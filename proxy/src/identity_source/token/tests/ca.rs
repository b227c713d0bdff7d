//! A CA that certifies whoever shows it a token, as a test says, over real TLS, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulkhead_identity::Demand;
use bulkhead_identity::tls::{Acceptor, Trust};
use bulkhead_protocol::transport::{AcceptLimits, incoming};
use bulkhead_protocol::v1::attestation_server::{Attestation, AttestationServer};
use bulkhead_protocol::v1::{AttestRequest, CertificateReply};
use rcgen::{CertificateSigningRequestParams, KeyPair};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Code, Request, Response, Status};

use crate::testing::certificates::{LIFETIME, Mesh, NOW, Shown};
use crate::testing::clock::TestClocks;
use crate::testing::{knowledge, policy};
use crate::truth::Truth;

/// What the CA answers.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// The account's certificate, bound to this node, which lives so long.
    Workload { node: &'static str, life: Duration },
    /// A node's.
    Node,
    /// The right name and another key.
    AnotherKey,
    /// A sentence.
    Refusal(Code, &'static str),
}

impl Default for Reply {
    fn default() -> Self {
        Self::Workload { node: "n1", life: LIFETIME }
    }
}

/// What the test says and the CA has seen.
pub(super) struct Books {
    pub(super) mesh: Mesh,
    pub(super) clocks: Arc<TestClocks>,
    pub(super) reply: Mutex<Reply>,
    tokens: watch::Sender<Vec<String>>,
}

pub(super) struct FakeCa {
    pub(super) address: String,
    serving: JoinHandle<()>,
}

impl Books {
    pub(super) fn new() -> Arc<Self> {
        let (mesh, clocks) = (Mesh::new(), TestClocks::new());
        Arc::new(Self { mesh, clocks, reply: Mutex::default(), tokens: watch::Sender::new(Vec::new()) })
    }

    pub(super) fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// The tokens of all requests so far.
    pub(super) fn tokens(&self) -> watch::Receiver<Vec<String>> {
        self.tokens.subscribe()
    }

    fn certify(&self, csr: &[u8]) -> Result<Vec<CertificateDer<'static>>, Status> {
        let request = CertificateSigningRequestParams::from_der(&csr.to_vec().into());
        let key = request.map_err(|problem| Status::invalid_argument(problem.to_string()))?.public_key;
        let ends = |life| self.clocks.of_the_ca().plus(life);
        match self.reply.lock().unwrap().clone() {
            Reply::Workload { node, life } => Ok(self.mesh.certify_workload(&key, "web", node, ends(life))),
            Reply::Node => Ok(self.mesh.certify_node(&key, "n1")),
            Reply::AnotherKey => {
                Ok(self.mesh.certify_workload(&KeyPair::generate().unwrap(), "web", "n1", NOW.plus(LIFETIME)))
            }
            Reply::Refusal(code, sentence) => Err(Status::new(code, sentence)),
        }
    }
}

impl FakeCa {
    /// Starts at a port of its own, as whoever `shown` is.
    pub(super) async fn start(books: &Arc<Books>, shown: &Shown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = Arc::new(acceptor(books, shown));
        let accepted = incoming(listener, move || Arc::clone(&acceptor), AcceptLimits::default(), |_, _| ());
        let service = AttestationServer::new(Desk(Arc::clone(books)));
        let serving = tonic::transport::Server::builder().serve_with_incoming(service, accepted);
        Self { address, serving: tokio::spawn(async move { serving.await.unwrap() }) }
    }

    /// Goes away, with every connection.
    pub(super) async fn stop(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
    }
}

fn acceptor(books: &Books, shown: &Shown) -> Acceptor {
    let truth = Truth::new();
    truth.store(knowledge(&books.mesh, &policy("{}")));
    let trust = Trust {
        bundle: Arc::new(books.mesh.bundle()),
        truth,
        clock: books.clocks.clone(),
        limits: bulkhead_identity::Limits::default(),
    };
    Acceptor::new(&shown.identity(), trust, Demand::workload(), &[b"h2"]).unwrap().with_unknown_clients()
}

struct Desk(Arc<Books>);

#[tonic::async_trait]
impl Attestation for Desk {
    async fn attest(&self, request: Request<AttestRequest>) -> Result<Response<CertificateReply>, Status> {
        let AttestRequest { token, csr } = request.into_inner();
        self.0.tokens.send_modify(|tokens| tokens.push(token));
        let chain = self.0.certify(&csr)?.iter().map(|certificate| certificate.to_vec()).collect();
        Ok(Response::new(CertificateReply { chain, roots: Vec::new() }))
    }
}
