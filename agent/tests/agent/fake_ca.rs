//! A CA that does what a test says and remembers what it was asked.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_daemon::Stopper;
use bulkhead_identity::tls::{Acceptor, OwnIdentity, Trust};
use bulkhead_identity::{Clock as _, Demand, Limits, PurposeKind, VerifiedPeer};
use bulkhead_mesh::Purpose;
use bulkhead_protocol::convert::Registration;
use bulkhead_protocol::transport::{AcceptLimits, ConnectedPeer, incoming};
use bulkhead_protocol::v1;
use futures_util::Stream;
use futures_util::stream::unfold;
use rcgen::CertificateSigningRequestParams;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tower::Service;
use v1::attestation_server::{Attestation, AttestationServer};
use v1::feed_server::{Feed, FeedServer};
use v1::issuance_server::{Issuance, IssuanceServer};
use v1::join_server::{Join, JoinServer};

use crate::manual_clock::ManualClock;
use crate::pki::Pki;

pub struct FakeCa {
    pub address: String,
    pub books: Arc<Books>,
    stopper: Stopper,
    serving: JoinHandle<()>,
}

/// What the CA is told by the test, and what it has seen.
pub struct Books {
    pub pki: Arc<Pki>,
    pub clock: Arc<ManualClock>,
    pub script: Mutex<Script>,
    pub registrations: watch::Sender<Vec<Registration>>,
    /// The secret and the public key of each Join.
    pub joins: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The token of each Attest.
    pub attests: Mutex<Vec<String>>,
    /// Requests of any kind that came in over any connection.
    pub requests: AtomicUsize,
    pub issued: AtomicUsize,
    pub renewed: AtomicUsize,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub lose_the_next_answer: bool,
    pub refuse: bool,
    /// Refuses what a certificate is shown with, as after a re-admission; a token is taken.
    pub refuse_certificates: bool,
    /// Whose certificate a pod's token brings.
    pub attested: &'static str,
    pub node_life: Duration,
    pub workload_life: Duration,
}

impl Default for Script {
    fn default() -> Self {
        let (node_life, workload_life) = (Duration::from_hours(24 * 7), Duration::from_hours(1));
        Self {
            lose_the_next_answer: false,
            refuse: false,
            refuse_certificates: false,
            attested: "n1",
            node_life,
            workload_life,
        }
    }
}

impl Books {
    pub fn new(pki: Arc<Pki>, clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            pki,
            clock,
            script: Mutex::default(),
            registrations: watch::Sender::new(Vec::new()),
            joins: Mutex::default(),
            attests: Mutex::default(),
            requests: AtomicUsize::new(0),
            issued: AtomicUsize::new(0),
            renewed: AtomicUsize::new(0),
        })
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn check_refusal(&self) -> Result<Script, Status> {
        let script = self.script.lock().unwrap().clone();
        if script.refuse { Err(Status::permission_denied("node n1 is revoked (epoch 1)")) } else { Ok(script) }
    }

    fn check_certificates(&self) -> Result<(), Status> {
        let refuses = self.script.lock().unwrap().refuse_certificates;
        if refuses { Err(Status::permission_denied("node n1 was admitted anew (epoch 2)")) } else { Ok(()) }
    }

    fn check_node<T>(&self, request: &Request<T>) -> Result<(), Status> {
        self.check_certificates()?;
        let peer = request.extensions().get::<ConnectedPeer>().and_then(|connected| connected.peer.clone());
        match peer.as_deref().map(VerifiedPeer::purpose) {
            Some(Purpose::Node(_)) => Ok(()),
            _ => Err(Status::unauthenticated("only a node may ask this")),
        }
    }

    fn reply(&self, chain: &[CertificateDer<'_>]) -> Result<Response<v1::CertificateReply>, Status> {
        if std::mem::take(&mut self.script.lock().unwrap().lose_the_next_answer) {
            return Err(Status::unavailable("this answer is lost"));
        }
        let ders = |list: &[CertificateDer<'_>]| list.iter().map(|der| der.to_vec()).collect();
        Ok(Response::new(v1::CertificateReply { chain: ders(chain), roots: ders(&self.pki.roots()) }))
    }
}

impl FakeCa {
    /// Starts at a port of its own, as whoever `own` is.
    pub async fn start(books: Arc<Books>, own: OwnIdentity) -> Self {
        Self::start_at("127.0.0.1:0", books, own).await
    }

    pub async fn start_at(address: &str, books: Arc<Books>, own: OwnIdentity) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = Arc::new(acceptor(&books, &own));
        let (stopper, stop) = Stopper::new();
        let faces = Faces::new(&books);
        let serving = tokio::spawn(async move {
            let incoming = incoming(listener, move || Arc::clone(&acceptor), AcceptLimits::default(), |_, _| ());
            let serving = Server::builder().serve_with_incoming(faces, incoming);
            tokio::select! {
                () = stop.stopped() => {}
                ended = serving => ended.unwrap(),
            }
        });
        Self { address, books, stopper, serving }
    }

    /// Goes away, with every connection.
    pub async fn stop(self) {
        self.stopper.stop();
        self.serving.await.unwrap();
        self.books.registrations.send_modify(|_| ());
    }
}

fn acceptor(books: &Books, own: &OwnIdentity) -> Acceptor {
    let trust = Trust {
        bundle: Arc::new(books.pki.bundle()),
        truth: Arc::new(bulkhead_agent::first_contact::FirstContact::new()),
        clock: books.clock.clone(),
        limits: Limits::default(),
    };
    let demand = Demand::any_of(&[PurposeKind::Node]).with_grace_for_expired_nodes(Duration::from_hours(24 * 30));
    Acceptor::new(own, trust, demand, &[b"h2"]).unwrap().with_unknown_clients()
}

/// Three services at one port.
#[derive(Clone)]
struct Faces {
    join: JoinServer<Face>,
    attestation: AttestationServer<Face>,
    issuance: IssuanceServer<Face>,
    feed: FeedServer<Face>,
    books: Arc<Books>,
}

#[derive(Clone)]
struct Face(Arc<Books>);

impl Faces {
    fn new(books: &Arc<Books>) -> Self {
        let face = Face(Arc::clone(books));
        Self {
            join: JoinServer::new(face.clone()),
            attestation: AttestationServer::new(face.clone()),
            issuance: IssuanceServer::new(face.clone()),
            feed: FeedServer::new(face),
            books: Arc::clone(books),
        }
    }
}

impl Service<http::Request<Body>> for Faces {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.books.requests.fetch_add(1, Ordering::Relaxed);
        match request.uri().path().split('/').nth(1) {
            Some("bulkhead.v1.Join") => self.join.call(request),
            Some("bulkhead.v1.Attestation") => self.attestation.call(request),
            Some("bulkhead.v1.Issuance") => self.issuance.call(request),
            _ => self.feed.call(request),
        }
    }
}

#[tonic::async_trait]
impl Join for Face {
    async fn join(&self, request: Request<v1::JoinRequest>) -> Result<Response<v1::CertificateReply>, Status> {
        let script = self.0.check_refusal()?;
        let v1::JoinRequest { secret, csr } = request.into_inner();
        let key = requested_key(&csr)?;
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        let mut joins = self.0.joins.lock().unwrap();
        if joins.iter().any(|(used, by)| *used == secret && *by != spki) {
            return Err(Status::permission_denied("the token was used with another key"));
        }
        joins.push((secret, spki));
        self.0.reply(&self.0.pki.sign_node("n1", &key, self.0.clock.now(), script.node_life))
    }
}

#[tonic::async_trait]
impl Attestation for Face {
    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::CertificateReply>, Status> {
        let v1::AttestRequest { token, csr } = request.into_inner();
        self.0.attests.lock().unwrap().push(token);
        let script = self.0.check_refusal()?;
        let key = requested_key(&csr)?;
        self.0.reply(&self.0.pki.sign_node(script.attested, &key, self.0.clock.now(), script.node_life))
    }
}

#[tonic::async_trait]
impl Issuance for Face {
    async fn issue(&self, request: Request<v1::IssueRequest>) -> Result<Response<v1::CertificateReply>, Status> {
        self.0.check_node(&request)?;
        let script = self.0.check_refusal()?;
        let v1::IssueRequest { csr, evidence } = request.into_inner();
        let Some(v1::issue_request::Evidence::Agent(evidence)) = evidence else {
            return Err(Status::permission_denied("no evidence"));
        };
        let registrations = self.0.registrations.borrow().clone();
        let registration = registrations.iter().find(|known| known.id.as_bytes()[..] == evidence.registration);
        let registration = registration.ok_or_else(|| Status::permission_denied("no such registration"))?;
        self.0.issued.fetch_add(1, Ordering::Relaxed);
        let key = requested_key(&csr)?;
        self.0.reply(&self.0.pki.sign_workload(registration, &key, self.0.clock.now(), script.workload_life))
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::CertificateReply>, Status> {
        self.0.check_node(&request)?;
        let script = self.0.check_refusal()?;
        self.0.renewed.fetch_add(1, Ordering::Relaxed);
        let key = requested_key(&request.into_inner().csr)?;
        self.0.reply(&self.0.pki.sign_node("n1", &key, self.0.clock.now(), script.node_life))
    }
}

#[tonic::async_trait]
impl Feed for Face {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchReply, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<Streaming<v1::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.0.check_node(&request)?;
        let mut requests = request.into_inner();
        let hello = requests.message().await?.and_then(|first| first.message);
        if !matches!(hello, Some(v1::watch_request::Message::Hello(_))) {
            return Err(Status::invalid_argument("Hello comes first"));
        }
        let told = self.0.registrations.subscribe();
        Ok(Response::new(Box::pin(unfold((Arc::clone(&self.0), told, 0, requests), next_reply))))
    }
}

type Watching = (Arc<Books>, watch::Receiver<Vec<Registration>>, usize, Streaming<v1::WatchRequest>);

/// Welcome, then all registrations, then again at each change, with heartbeats between.
async fn next_reply(
    (books, mut told, number, requests): Watching,
) -> Option<(Result<v1::WatchReply, Status>, Watching)> {
    use v1::watch_reply::Message;
    let message = match number {
        0 => {
            let capabilities = vec![bulkhead_protocol::feed::FACTS_1.to_owned()];
            Message::Welcome(v1::Welcome { capabilities, heartbeat_millis: 500, ..v1::Welcome::default() })
        }
        1 => registrations(&mut told),
        _ => tokio::select! {
            changed = told.changed() => {
                changed.ok()?;
                registrations(&mut told)
            }
            () = tokio::time::sleep(Duration::from_millis(500)) => Message::Heartbeat(v1::Heartbeat::default()),
        },
    };
    let reply = books.check_certificates().map(|()| v1::WatchReply { message: Some(message) });
    Some((reply, (books, told, number + 1, requests)))
}

fn registrations(told: &mut watch::Receiver<Vec<Registration>>) -> v1::watch_reply::Message {
    let registrations = told.borrow_and_update().iter().cloned().map(v1::Registration::from).collect();
    v1::watch_reply::Message::Registrations(v1::Registrations { registrations })
}

fn requested_key(csr: &[u8]) -> Result<rcgen::PublicKey, Status> {
    let request = CertificateSigningRequestParams::from_der(&csr.to_vec().into());
    request.map(|request| request.public_key).map_err(|problem| Status::invalid_argument(problem.to_string()))
}
