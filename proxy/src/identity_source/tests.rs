//! The source against an agent that says whatever the test wants, in memory and on a real socket.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::Stopper;
use bulkhead_identity::clearance;
use bulkhead_mesh::{Label, Level, Levels};
use bulkhead_protocol::workload_api::spiffe_workload_api_server::{SpiffeWorkloadApi, SpiffeWorkloadApiServer};
use bulkhead_protocol::workload_api::{
    X509BundlesRequest, X509BundlesResponse, X509svid, X509svidRequest, X509svidResponse,
};
use futures_util::Stream;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::{Request, Response, Status};

use super::agent::believe;
use super::publish::{Publisher, Said};
use super::response::read;
use super::{Identities, IdentitySource, Origin};
use crate::testing::certificates::{Mesh, NOW, Shown, id};
use crate::testing::clock::TestClocks;
use crate::testing::{knowledge, policy};
use crate::truth::Truth;

fn offer(mesh: &Mesh, name: &str, shown: &Shown) -> X509svid {
    X509svid {
        spiffe_id: id(&format!("/ns/shop/sa/{name}")).to_string(),
        x509_svid: shown.chain_der().concat(),
        x509_svid_key: shown.pkcs8.clone(),
        bundle: mesh.bundle().roots()[0].to_vec(),
        hint: String::new(),
    }
}

fn response(svids: Vec<X509svid>) -> X509svidResponse {
    X509svidResponse { svids, ..X509svidResponse::default() }
}

/// What the agent says, believed.
fn said(svids: Vec<X509svid>) -> Said {
    believe(response(svids), None).unwrap()
}

/// A publisher in a task, and the way to speak to it.
fn publisher(levels: &watch::Sender<Levels>) -> (mpsc::Sender<Said>, Identities, JoinSet<()>) {
    let (publisher, identities) = Publisher::new(levels.subscribe(), TestClocks::new());
    let (says, said) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(publisher.run(said));
    (says, identities, tasks)
}

/// Waits until something is published, or taken back.
async fn generation<T>(receiver: &mut watch::Receiver<Option<Arc<T>>>, of: impl Fn(&T) -> u64) -> Option<u64> {
    let changed = tokio::time::timeout(Duration::from_hours(1), receiver.changed());
    changed.await.expect("nothing was published for an hour").unwrap();
    receiver.borrow().as_deref().map(of)
}

#[test]
fn exactly_one_identity_is_taken() {
    let mesh = Mesh::new();
    let web = || offer(&mesh, "web", &mesh.workload("web", "n1", "internal"));
    let api = || offer(&mesh, "api", &mesh.workload("api", "n1", "internal"));
    let (expected, other) = (id("/ns/shop/sa/web"), id("/ns/shop/sa/db"));
    let check = |svids, expected: Option<_>, sentence: Option<&str>| match read(response(svids), expected) {
        Ok(svid) => assert_eq!((sentence, svid.id()), (None, &id("/ns/shop/sa/web"))),
        Err(error) => assert!(error.to_string().contains(sentence.unwrap()), "{error}"),
    };
    check(vec![web()], None, None);
    check(vec![web()], Some(&expected), None);
    check(vec![api(), web()], Some(&expected), None);
    check(vec![], None, Some("offers 0 identities"));
    check(vec![web(), api()], None, Some("offers 2 identities"));
    check(vec![web(), web()], Some(&expected), Some("not exactly one"));
    check(vec![web()], Some(&other), Some("not exactly one"));
}

#[test]
fn whatever_does_not_belong_together_is_refused() {
    let mesh = Mesh::new();
    let web = mesh.workload("web", "n1", "internal");
    let check = |spoil: &dyn Fn(&mut X509svid), sentence: &str| {
        let mut svid = offer(&mesh, "web", &web);
        spoil(&mut svid);
        let error = read(response(vec![svid]), None).unwrap_err();
        assert!(error.to_string().contains(sentence), "{error}");
    };
    check(&|svid| svid.spiffe_id = "web".into(), "no SPIFFE ID");
    check(&|svid| svid.spiffe_id = id("/ns/shop/sa/db").to_string(), "and the certificate of");
    check(&|svid| svid.x509_svid.push(0), "cannot be taken apart");
    check(&|svid| svid.x509_svid.clear(), "do not belong together");
    check(&|svid| svid.x509_svid.extend([0x30, 0]), "cannot be read");
    check(&|svid| svid.x509_svid_key.clear(), "key cannot be used");
    check(&|svid| svid.x509_svid_key = mesh.node("n1").pkcs8, "do not belong together");
    check(&|svid| svid.bundle.clear(), "no trust bundle");
    check(&|svid| svid.bundle = web.chain[0].to_vec(), "no trust bundle");
    check(&|svid| svid.bundle.truncate(100), "roots cannot be taken apart");
    let node = mesh.node("n1");
    let spoil = |svid: &mut X509svid| {
        (svid.x509_svid, svid.x509_svid_key) = (node.chain_der().concat(), node.pkcs8.clone());
    };
    check(&spoil, "not that of a workload");
}

#[tokio::test(start_paused = true)]
async fn a_renewed_certificate_has_a_higher_generation_and_the_same_one_has_not() {
    let (mesh, levels) = (Mesh::new(), watch::Sender::new(Levels::default()));
    let (says, mut identities, _tasks) = publisher(&levels);
    let say = |shown: &Shown| said(vec![offer(&mesh, "web", shown)]);
    let (first, second) = (mesh.workload("web", "n1", "internal"), mesh.workload("web", "n1", "internal"));
    says.send(say(&first)).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(1));
    says.send(say(&first)).await.unwrap();
    says.send(say(&second)).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_ends_without_a_successor_is_withdrawn_at_its_end() {
    let (mesh, levels) = (Mesh::new(), watch::Sender::new(Levels::default()));
    let (says, mut identities, _tasks) = publisher(&levels);
    let (began, life) = (tokio::time::Instant::now(), Duration::from_mins(5));
    let shown = mesh.workload_until("web", "n1", "internal", NOW.plus(life));
    says.send(said(vec![offer(&mesh, "web", &shown)])).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(1));
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, None);
    assert!(began.elapsed() > life && began.elapsed() < life + Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(identities.svid.borrow().is_none());
    says.send(said(vec![offer(&mesh, "web", &shown)])).await.unwrap();
    let later = mesh.workload_until("web", "n1", "internal", NOW.plus(life * 2));
    says.send(said(vec![offer(&mesh, "web", &later)])).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(2), "the ended one was not taken");
}

#[tokio::test(start_paused = true)]
async fn a_bad_word_of_the_agent_changes_nothing_and_a_denial_takes_everything() {
    let (mesh, levels) = (Mesh::new(), watch::Sender::new(Levels::default()));
    let (says, mut identities, _tasks) = publisher(&levels);
    let web = || offer(&mesh, "web", &mesh.workload("web", "n1", "internal"));
    says.send(said(vec![web()])).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(1));
    assert!(believe(response(vec![web(), web()]), None).is_none());
    assert!(believe(response(vec![]), None).is_none());
    says.send(Said::Obstacle("asleep".into())).await.unwrap();
    says.send(Said::Denied("removed".into())).await.unwrap();
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, None);
    assert_eq!(identities.obstacle.wait_for(Option::is_some).await.unwrap().as_deref(), Some("removed"));
}

#[tokio::test(start_paused = true)]
async fn a_label_is_read_when_the_policy_has_named_its_level() {
    let (mesh, levels) = (Mesh::new(), watch::Sender::new(Levels::default()));
    let (says, mut identities, _tasks) = publisher(&levels);
    let named = |name: &str| Levels::new(vec![Level { name: name.parse().unwrap(), number: 63 }]).unwrap();
    let clearance = clearance::encode(&"cosmic".parse::<Label>().unwrap(), &named("cosmic")).unwrap();
    let shown = mesh.workload_with("web", "n1", clearance, NOW.plus(Duration::from_hours(1)));
    says.send(said(vec![offer(&mesh, "web", &shown)])).await.unwrap();
    assert_eq!(generation(&mut identities.svid, |svid| svid.generation).await, Some(1), "enough to ask the CA");
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, None, "not enough to let anything pass");
    levels.send_replace(named("cosmic"));
    assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(1));
    assert_eq!(identities.own.borrow().as_ref().unwrap().label().to_string(), "cosmic");
    levels.send_replace(named("comic"));
    identities.own.changed().await.unwrap();
    assert_eq!(identities.own.borrow().as_ref().unwrap().label().to_string(), "comic");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_word_of_the_agent_makes_the_proxy_panic(place: Index, flip in 1..=255_u8, cut: Index, field in 0..3) {
        thread_local! {
            static OFFER: X509svid = {
                let mesh = Mesh::new();
                offer(&mesh, "web", &mesh.workload("web", "n1", "internal"))
            };
        }
        let mut svid = OFFER.with(Clone::clone);
        let bytes = match field {
            0 => &mut svid.x509_svid,
            1 => &mut svid.x509_svid_key,
            _ => &mut svid.bundle,
        };
        let (place, cut) = (place.index(bytes.len()), cut.index(bytes.len()));
        bytes[place] ^= flip;
        let _ = read(response(vec![svid.clone()]), None);
        match field {
            0 => svid.x509_svid.truncate(cut),
            1 => svid.x509_svid_key.truncate(cut),
            _ => svid.bundle.truncate(cut),
        }
        prop_assert!(read(response(vec![svid]), None).is_err());
    }
}

/// An agent on a socket, which says on each stream what the test sends it.
struct Agent(mpsc::Sender<mpsc::Sender<Result<X509svidResponse, Status>>>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SpiffeWorkloadApi for Agent {
    type FetchX509SVIDStream = Answers<X509svidResponse>;
    type FetchX509BundlesStream = Answers<X509BundlesResponse>;

    async fn fetch_x509svid(
        &self,
        request: Request<X509svidRequest>,
    ) -> Result<Response<Self::FetchX509SVIDStream>, Status> {
        assert_eq!(request.metadata().get("workload.spiffe.io").unwrap(), "true");
        let (answers, answered) = mpsc::channel(1);
        self.0.send(answers).await.unwrap();
        Ok(Response::new(Box::pin(ReceiverStream::new(answered))))
    }

    async fn fetch_x509_bundles(
        &self,
        _: Request<X509BundlesRequest>,
    ) -> Result<Response<Self::FetchX509BundlesStream>, Status> {
        Err(Status::unimplemented("nobody asks for it"))
    }
}

#[tokio::test]
async fn the_agent_may_come_late_and_may_be_restarted() {
    let (mesh, directory) = (Mesh::new(), tempfile::tempdir().unwrap());
    let socket = directory.path().join("api.sock");
    let origin = Origin::WorkloadApi(format!("unix://{}", socket.display()).parse().unwrap());
    let source = IdentitySource { origin, expected: None };
    let (truth, mut tasks, (stopper, stop)) = (Truth::new(), JoinSet::new(), Stopper::new());
    truth.store(knowledge(&mesh, &policy("{}")));
    let mut identities = source.start(&truth, TestClocks::new(), &mut tasks, stop);
    let (streams, mut opened) = mpsc::channel(1);
    let listener = UnixListenerStream::new(UnixListener::bind(&socket).unwrap());
    let service = SpiffeWorkloadApiServer::new(Agent(streams));
    let server = tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(service, listener));
    for expected in 1..=2 {
        let stream = opened.recv().await.unwrap();
        let web = offer(&mesh, "web", &mesh.workload("web", "n1", "internal"));
        stream.send(Ok(response(vec![web]))).await.unwrap();
        assert_eq!(generation(&mut identities.own, |own| own.generation).await, Some(expected));
        // Dropped here, the stream ends, and the source comes again.
    }
    stopper.stop();
    tasks.join_all().await;
    server.abort();
}
