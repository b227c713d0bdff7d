//! Software that was not written for this mesh gets its identity from the agent: the `spiffe` crate, as it is.

use std::time::Duration;

use futures_util::StreamExt as _;
use spiffe::{TrustDomain, WorkloadApiClient};

use crate::world::{World, in_time, registration, until};

#[tokio::test]
async fn a_foreign_workload_api_client_gets_its_certificate_and_each_renewal() {
    let (world, _ca) = World::joined().await;
    world.books.registrations.send_replace(vec![registration(1)]);
    let agent = world.agent().await;
    let socket = world.socket(registration(1).id);
    until("the socket", || std::future::ready(socket.exists())).await;

    let client = WorkloadApiClient::connect_to(format!("unix://{}", socket.display())).await.unwrap();
    let svid = in_time("the certificate", client.fetch_x509_svid()).await.unwrap();
    assert_eq!(svid.spiffe_id().to_string(), "spiffe://prod.example/ns/shop/sa/web");
    assert_eq!(svid.cert_chain().len(), 2);
    let bundles = in_time("the bundles", client.fetch_x509_bundles()).await.unwrap();
    let domain = TrustDomain::new("prod.example").unwrap();
    assert_eq!(bundles.get(&domain).unwrap().authorities().len(), 1);

    let mut contexts = client.stream_x509_contexts().await.unwrap();
    let first = in_time("the first context", contexts.next()).await.unwrap().unwrap();
    world.clock.advance(Duration::from_mins(25));
    let second = in_time("the renewed context", contexts.next()).await.unwrap().unwrap();
    let leaf = |context: &spiffe::X509Context| context.default_svid().unwrap().leaf().as_bytes().to_vec();
    assert_ne!(leaf(&first), leaf(&second));
    agent.stop().await;
}
