//! The way to the CA over real TLS on loopback: who answers there must be the CA.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_identity::Demand;
use bulkhead_identity::tls::{Acceptor, Trust};
use bulkhead_protocol::feed::Limits;
use bulkhead_protocol::transport::{AcceptLimits, ConnectLimits, ConnectedPeer, incoming};
use bulkhead_protocol::v1::feed_server::{Feed, FeedServer};
use bulkhead_protocol::v1::watch_request::Message as Request;
use bulkhead_protocol::v1::{Hello, WatchReply, WatchRequest};
use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::{Response, Status, Streaming};

use crate::feed::dial::{Ca, Dial, DialError};
use crate::identity_source::Svid;
use crate::testing::certificates::{Mesh, Shown};
use crate::testing::clock::TestClocks;
use crate::testing::{knowledge, policy, svid};
use crate::truth::Truth;

/// A feed that answers nothing before it has heard a hello, and then says who it came from.
struct Echo;

#[tonic::async_trait]
impl Feed for Echo {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchReply, Status>> + Send>>;

    async fn watch(
        &self,
        mut request: tonic::Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let peer = request.extensions().get::<ConnectedPeer>().unwrap().peer.clone().unwrap();
        let first = request.get_mut().message().await?.unwrap();
        assert!(matches!(first.message, Some(Request::Hello(_))));
        Err(Status::aborted(peer.id().to_string()))
    }
}

async fn serve(mesh: &Mesh, shown: &Shown, clocks: &Arc<TestClocks>) -> (String, JoinHandle<()>) {
    let truth = Truth::new();
    truth.store(knowledge(mesh, &policy("{}")));
    let trust = Trust {
        bundle: Arc::new(mesh.bundle()),
        truth,
        clock: clocks.clone(),
        limits: bulkhead_identity::Limits::default(),
    };
    let acceptor = Arc::new(Acceptor::new(&shown.identity(), trust, Demand::workload(), &[b"h2"]).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepted = incoming(listener, move || Arc::clone(&acceptor), AcceptLimits::default(), |_, _| ());
    let serving = tonic::transport::Server::builder().serve_with_incoming(FeedServer::new(Echo), accepted);
    (address, tokio::spawn(async move { serving.await.unwrap() }))
}

fn dialer(address: String, truth: Arc<Truth>, clocks: &Arc<TestClocks>) -> Ca {
    let (limits, feed) = (ConnectLimits::default(), Limits::default());
    Ca { addresses: [address].into(), truth, clocks: clocks.clone(), limits, feed }
}

#[tokio::test]
async fn on_the_first_contact_the_ca_is_believed_and_sees_who_calls() {
    let (mesh, clocks) = (Mesh::new(), TestClocks::new());
    let (address, server) = serve(&mesh, &mesh.control("ca"), &clocks).await;
    let own = svid(&mesh, &mesh.workload("web", "n1", "internal"), 1);
    let mut conversation = dialer(address, Truth::new(), &clocks).dial(own).await.unwrap();
    let hello = WatchRequest { message: Some(Request::Hello(Hello::default())) };
    conversation.requests.try_send(hello).unwrap();
    let status = conversation.replies.next().await.unwrap().unwrap_err();
    assert_eq!(status.message(), "spiffe://prod.example/ns/shop/sa/web");
    server.abort();
}

#[tokio::test]
async fn whoever_else_of_the_mesh_answers_in_the_place_of_the_ca_is_not_believed() {
    let (mesh, clocks) = (Mesh::new(), TestClocks::new());
    let own = svid(&mesh, &mesh.workload("web", "n1", "internal"), 1);
    for shown in
        [mesh.node("n1"), mesh.workload("db", "n2", "internal"), mesh.control("feed"), Mesh::new().control("ca")]
    {
        let (address, server) = serve(&mesh, &shown, &clocks).await;
        let error = dialer(address, Truth::new(), &clocks).dial(Arc::clone(&own)).await.unwrap_err();
        assert!(
            matches!(error, DialError::Connect(_)) && error.source().unwrap().to_string().contains("is not the CA")
        );
        server.abort();
    }
}

#[tokio::test]
async fn once_the_issuers_are_known_no_other_is_believed_even_for_the_ca() {
    let (mesh, clocks, truth) = (Mesh::new(), TestClocks::new(), Truth::new());
    let mut known = knowledge(&mesh, &policy("{}"));
    let mut verify = known.verify.as_ref().clone();
    verify.issuers = [mesh.issuing.digest()].into_iter().collect();
    known.verify = Arc::new(verify);
    truth.store(known);
    let (address, server) = serve(&mesh, &mesh.control("ca"), &clocks).await;
    let own = svid(&mesh, &mesh.workload("web", "n1", "internal"), 1);
    assert!(dialer(address, truth, &clocks).dial(own).await.is_err());
    server.abort();
}

#[tokio::test]
async fn a_certificate_that_the_ca_does_not_take_is_told_from_a_ca_that_is_not_there() {
    let (mesh, clocks) = (Mesh::new(), TestClocks::new());
    let (address, server) = serve(&mesh, &mesh.control("ca"), &clocks).await;
    let stranger = Mesh::new();
    let own = svid(&stranger, &stranger.workload("web", "n1", "internal"), 1);
    let own = Arc::new(Svid::new(own.identity.clone(), Arc::new(mesh.bundle())).unwrap());
    let refused = dialer(address.clone(), Truth::new(), &clocks).dial(Arc::clone(&own)).await.unwrap_err();
    assert!(refused.is_refusal(), "{refused:?}");
    server.abort();
    assert!(server.await.is_err());
    let absent = dialer(address, Truth::new(), &clocks).dial(own).await.unwrap_err();
    assert!(!absent.is_refusal(), "{absent:?}");
}
