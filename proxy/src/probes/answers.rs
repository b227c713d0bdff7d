//! What is answered on the probe port: which question is meant, how many may be asked at a time, and for how long.

use std::sync::Arc;

use bulkhead_daemon::questions::{Answer, converse, health, text};
use bulkhead_daemon::{Subject, chain};
use bulkhead_mesh::probe::{Check, Probe, Probes, read_path};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::failure::{Asked, Failure};
use super::outcome::Count;
use super::{danger, grpc, http, tcp};
use crate::sidecar::Sidecar;

/// Answers for one workload.
pub struct Answers {
    sidecar: Arc<Sidecar>,
    /// What the admin port tells of the proxy.
    subject: Arc<dyn Subject>,
    probes: Probes,
    /// Probes that may still be asked at the same time.
    places: Semaphore,
    danger_any_certificate: Arc<ClientConfig>,
}

impl Answers {
    /// Answers these probes; nothing was asked yet.
    pub fn new(sidecar: Arc<Sidecar>, subject: Arc<dyn Subject>, probes: Probes) -> Arc<Self> {
        let places = Semaphore::new(sidecar.limits.probes);
        let danger_any_certificate = danger::any_certificate();
        Arc::new(Self { sidecar, subject, probes, places, danger_any_certificate })
    }

    /// How many connections may be open: twice as many as there are places, so that whoever finds none is told.
    pub(super) fn connections(&self) -> usize {
        self.sidecar.limits.probes.saturating_mul(2)
    }

    pub(super) fn shed(&self, connections: u64) {
        self.sidecar.metrics.shed(connections);
    }

    /// Answers what is asked over one connection.
    pub(super) async fn converse(self: Arc<Self>, stream: TcpStream) {
        let answers: &Self = &self;
        converse(stream, move |request| answers.respond(request)).await;
    }

    async fn respond(&self, request: Request<Incoming>) -> Answer {
        if request.method() != Method::GET {
            return only_get();
        }
        let path = request.uri().path();
        if let Some(answer) = health(path, self.subject.as_ref()) {
            return answer;
        }
        let probe = read_path(path).and_then(|(container, kind)| self.probes.find(&container, kind));
        match probe {
            Some(probe) => self.answer(probe).await,
            None => text(StatusCode::NOT_FOUND, NOTHING_HERE),
        }
    }

    async fn answer(&self, probe: &Probe) -> Answer {
        let count = Count::begin(&self.sidecar.metrics, probe.kind);
        let result = self.ask(probe).await;
        count.end(&result);
        match result {
            Ok(()) => text(StatusCode::OK, "ok\n"),
            Err(failure) => failed(probe, &failure),
        }
    }

    async fn ask(&self, probe: &Probe) -> Result<(), Failure> {
        let most = self.sidecar.limits.probes;
        let _place = self.places.try_acquire().map_err(|_| Failure::TooMany { most })?;
        let limit = probe.timeout();
        // In a box of its own: a connection that only waits for its next question should not hold the room for this.
        let checked = timeout(limit, Box::pin(self.check(&probe.check))).await;
        checked.map_err(|_| Failure::TooSlow { limit })?
    }

    async fn check(&self, check: &Check) -> Result<(), Failure> {
        let (stream, at) = tcp::connect(&self.sidecar.addresses, check.port()).await?;
        let answer = match check {
            Check::Tcp { .. } => Ok(()),
            Check::Http(asked) => http::ask(stream, at, asked, &self.danger_any_certificate).await,
            Check::Grpc { service, .. } => grpc::ask(stream, at, service).await,
        };
        answer.map_err(|source| Failure::Answer { at, source })
    }
}

/// What was asked, where, and what happened, in one sentence.
fn failed(probe: &Probe, failure: &Failure) -> Answer {
    let Probe { container, kind, check, .. } = probe;
    let (what, asked, why) = (kind.noun(), Asked(check), chain(failure));
    let sentence = format!("the {kind} {what} of container `{container}` ({asked}) failed: {why}");
    tracing::debug!(detail = sentence, "probe");
    text(StatusCode::SERVICE_UNAVAILABLE, sentence + "\n")
}

fn only_get() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "here everything is asked by GET\n");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    answer
}

const NOTHING_HERE: &str = "here are /live, /ready and the probes that `--probes` lists, as /probe/CONTAINER/KIND\n";
