//! A CA that does what a test says and remembers what it was told: over real TLS, with real certificates.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_daemon::{Stopper, SystemClock};
use bulkhead_identity::peer::{AcceptedIssuers, Demand, Truth};
use bulkhead_identity::tls::{Acceptor, CurrentTruth, Trust};
use bulkhead_identity::{Clock as _, Limits, PurposeKind, VerifiedPeer};
use bulkhead_mesh::{ControlRole, CutoffSet, Levels, Purpose};
use bulkhead_protocol::transport::{AcceptLimits, ConnectedPeer, incoming};
use bulkhead_protocol::v1;
use bulkhead_protocol::v1::attestation_server::{Attestation, AttestationServer};
use bulkhead_protocol::v1::directory_server::{Directory, DirectoryServer};
use futures_util::Stream;
use futures_util::stream::unfold;
use rcgen::CertificateSigningRequestParams;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tower::Service;

use super::pki::Pki;

pub struct FakeCa {
    pub address: String,
    pub books: Arc<Books>,
    stopper: Stopper,
    serving: JoinHandle<()>,
}

/// What the CA is told by the test, and what it has been told by the directory source.
pub struct Books {
    pub pki: Pki,
    pub script: Mutex<Script>,
    /// Whether writes are answered.
    pub answers: watch::Sender<bool>,
    told: watch::Sender<Told>,
    /// How often it has gone away.
    ended: watch::Sender<u32>,
}

#[derive(Clone, Debug)]
pub struct Script {
    /// What for a token's certificate is.
    pub purpose: &'static str,
    pub life: Duration,
    pub refuse: bool,
}

/// What it was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub tokens: Vec<String>,
    /// How many streams there were.
    pub streams: usize,
    /// Writes of the newest stream.
    pub writes: u64,
    /// Items of the largest write.
    pub largest: usize,
    /// Whether the newest stream has said everything.
    pub complete: bool,
    pub pods: BTreeMap<String, v1::Pod>,
    pub services: BTreeMap<String, v1::ClusterService>,
    named: BTreeSet<Vec<u8>>,
}

impl Books {
    pub fn new(pki: Pki) -> Arc<Self> {
        let script = Script { purpose: "/control/directory", life: Duration::from_hours(12), refuse: false };
        let (answers, told) = (watch::Sender::new(true), watch::Sender::new(Told::default()));
        Arc::new(Self { pki, script: Mutex::new(script), answers, told, ended: watch::Sender::new(0) })
    }

    pub fn told(&self) -> Told {
        self.told.borrow().clone()
    }

    /// Waits until what was told is like this.
    pub async fn until(&self, what: &str, holds: impl Fn(&Told) -> bool) -> Told {
        let mut told = self.told.subscribe();
        let came = tokio::time::timeout(DEADLINE, told.wait_for(|told| holds(told))).await;
        let came = came.unwrap_or_else(|_| panic!("waited in vain for {what}; last seen: {:#?}", self.told()));
        came.unwrap().clone()
    }
}

impl Told {
    fn apply(&mut self, write: v1::DirectoryWrite) -> Result<(), Status> {
        self.writes += 1;
        if write.number != self.writes {
            return Err(Status::invalid_argument(format!("number {} comes as the {}th", write.number, self.writes)));
        }
        let gone = write.gone_pods.len() + write.gone_services.len();
        self.largest = self.largest.max(write.pods.len() + write.services.len() + gone);
        for uid in &write.gone_pods {
            self.pods.retain(|_, pod| pod.uid != *uid);
        }
        for name in write.gone_services {
            self.services.remove(&name);
        }
        for pod in write.pods {
            self.named.insert(pod.uid.clone());
            // One of its name that is there still goes by its own UID.
            self.pods.insert(format!("{}/{}", pod.namespace, pod.name), pod);
        }
        for service in write.services {
            self.named.insert(service.name.clone().into_bytes());
            self.services.insert(service.name.clone(), service);
        }
        if write.complete && !self.complete {
            let named = &self.named;
            self.pods.retain(|_, pod| named.contains(&pod.uid));
            self.services.retain(|name, _| named.contains(name.as_bytes()));
            self.complete = true;
        }
        Ok(())
    }
}

impl FakeCa {
    pub async fn start(books: Arc<Books>) -> Self {
        Self::start_as("/control/ca", "127.0.0.1:0", books).await
    }

    /// Starts here, as whoever this is.
    pub async fn start_as(path: &str, address: &str, books: Arc<Books>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = Arc::new(acceptor(&books, path));
        let (stopper, stop) = Stopper::new();
        let face = Face(Arc::clone(&books));
        let faces = Faces { attestation: AttestationServer::new(face.clone()), directory: DirectoryServer::new(face) };
        let serving = tokio::spawn(async move {
            let incoming = incoming(listener, move || Arc::clone(&acceptor), AcceptLimits::default(), |_, _| ());
            tokio::select! {
                () = stop.stopped() => {}
                ended = Server::builder().serve_with_incoming(faces, incoming) => ended.unwrap(),
            }
        });
        Self { address, books, stopper, serving }
    }

    /// Goes away, with every connection.
    pub async fn stop(self) {
        self.stopper.stop();
        self.serving.await.unwrap();
        // tonic lets open streams live on.
        self.books.ended.send_modify(|ended| *ended += 1);
    }
}

#[derive(Debug)]
struct BelowRoot;

impl CurrentTruth for BelowRoot {
    fn truth(&self) -> Arc<Truth> {
        let (levels, cutoffs) = (Levels::default(), CutoffSet::default());
        Arc::new(Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs })
    }
}

fn acceptor(books: &Books, path: &str) -> Acceptor {
    let clock = Arc::new(SystemClock::default());
    let own = books.pki.own(path, clock.now());
    let bundle = Arc::new(books.pki.bundle());
    let trust = Trust { bundle, truth: Arc::new(BelowRoot), clock, limits: Limits::default() };
    let demand = Demand::any_of(&[PurposeKind::Control]);
    Acceptor::new(&own, trust, demand, &[b"h2"]).unwrap().with_unknown_clients()
}

#[derive(Clone)]
struct Faces {
    attestation: AttestationServer<Face>,
    directory: DirectoryServer<Face>,
}

#[derive(Clone)]
struct Face(Arc<Books>);

impl Service<http::Request<Body>> for Faces {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path().split('/').nth(1) {
            Some("bulkhead.v1.Attestation") => self.attestation.call(request),
            _ => self.directory.call(request),
        }
    }
}

#[tonic::async_trait]
impl Attestation for Face {
    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::CertificateReply>, Status> {
        let v1::AttestRequest { token, csr } = request.into_inner();
        let Script { purpose, life, refuse } = self.0.script.lock().unwrap().clone();
        self.0.told.send_modify(|told| told.tokens.push(token));
        if refuse {
            return Err(Status::permission_denied("this account is nobody's"));
        }
        let asked = CertificateSigningRequestParams::from_der(&csr.into());
        let key = asked.map_err(|problem| Status::invalid_argument(problem.to_string()))?.public_key;
        let chain = self.0.pki.sign(purpose, &key, SystemClock::default().now(), life);
        let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
        let roots = self.0.pki.bundle().roots().iter().map(|root| root.to_vec()).collect();
        Ok(Response::new(v1::CertificateReply { chain, roots }))
    }
}

#[tonic::async_trait]
impl Directory for Face {
    type WriteStream = Pin<Box<dyn Stream<Item = Result<v1::DirectoryWritten, Status>> + Send>>;

    async fn write(
        &self,
        request: Request<Streaming<v1::DirectoryWrite>>,
    ) -> Result<Response<Self::WriteStream>, Status> {
        let connected = request.extensions().get::<ConnectedPeer>().and_then(|connected| connected.peer.clone());
        match connected.as_deref().map(VerifiedPeer::purpose) {
            Some(Purpose::Control(ControlRole::Directory)) => {}
            _ => return Err(Status::permission_denied("only the directory source may write")),
        }
        let books = Arc::clone(&self.0);
        books.told.send_modify(|told| {
            told.streams += 1;
            (told.writes, told.complete) = (0, false);
            told.named.clear();
        });
        let ended = books.ended.subscribe();
        Ok(Response::new(Box::pin(unfold((books, request.into_inner(), ended), answer_next))))
    }
}

type Writing = (Arc<Books>, Streaming<v1::DirectoryWrite>, watch::Receiver<u32>);

async fn answer_next((books, mut writes, mut ended): Writing) -> Option<(Answer, Writing)> {
    let answer = tokio::select! {
        _ = ended.changed() => return None,
        answer = answer_one(&books, &mut writes) => answer?,
    };
    Some((answer, (books, writes, ended)))
}

type Answer = Result<v1::DirectoryWritten, Status>;

/// Applies the next write, and answers it when the test lets it.
async fn answer_one(books: &Books, writes: &mut Streaming<v1::DirectoryWrite>) -> Option<Answer> {
    books.answers.subscribe().wait_for(|answers| *answers).await.ok()?;
    let write = writes.message().await.ok()??;
    let number = write.number;
    let mut applied = Ok(());
    books.told.send_modify(|told| applied = told.apply(write));
    books.answers.subscribe().wait_for(|answers| *answers).await.ok()?;
    Some(applied.map(|()| v1::DirectoryWritten { number }))
}

/// For any state that a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(20);
