//! Directory: what the source writes, and what a watcher hears of it.

use bulkhead_ca::store::{CertificateRecord, Lane};
use bulkhead_mesh::{ControlRole, Entry, Resolution, Serial};
use bulkhead_protocol::v1::directory_client::DirectoryClient;
use bulkhead_protocol::v1::{self, DirectoryWrite, DirectoryWritten};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::cluster::{CONTROLLER, FakeCluster, auto};
use crate::doors::knock;
use crate::people::Identity;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::{World, soon};

/// One stream of the source, driven by hand.
struct Source {
    writes: mpsc::Sender<DirectoryWrite>,
    answers: Streaming<DirectoryWritten>,
    number: u64,
}

impl Source {
    async fn open(channel: Channel) -> Result<Self, Status> {
        let (writes, receiver) = mpsc::channel(16);
        let answers = soon(DirectoryClient::new(channel).write(ReceiverStream::new(receiver))).await?.into_inner();
        Ok(Self { writes, answers, number: 0 })
    }

    /// Writes, and waits until it is committed.
    async fn write(&mut self, write: DirectoryWrite) -> Result<(), Status> {
        self.number += 1;
        // A stream that was ended takes nothing more: what it was told is read from it.
        let _ = self.writes.send(DirectoryWrite { number: self.number, ..write }).await;
        let answer = soon(self.answers.message()).await?;
        assert_eq!(answer.unwrap().number, self.number);
        Ok(())
    }

    async fn ended(&mut self) -> Status {
        soon(self.answers.message()).await.unwrap_err()
    }
}

/// A cluster with a node, its source of the directory, and a pod that watches.
async fn story() -> (World, FakeCluster, Identity, Watcher) {
    let (world, cluster) = World::with_node(auto("restricted")).await;
    cluster.pod("controller", 200, CONTROLLER, "node-a");
    cluster.pod("client", 100, "ns/shop/sa/client", "node-a");
    let source = world.attest("controller").await.unwrap();
    let client = world.attest("client").await.unwrap();
    let watcher = Watcher::settled(&world, &client).await.0;
    (world, cluster, source, watcher)
}

fn pod(number: u8, sidecar: bool) -> v1::Pod {
    v1::Pod {
        uid: vec![number; 16],
        namespace: "shop".to_owned(),
        name: format!("web-{number}"),
        service_account: "web".to_owned(),
        node: "node-a".to_owned(),
        addresses: vec![vec![10, 77, 0, number]],
        sidecar,
        created_millis: number.into(),
        leaving: false,
    }
}

fn service(ready: bool) -> v1::ClusterService {
    let endpoint = v1::Endpoint { address: vec![10, 77, 0, 1], port: 8080, weight: 1, ready };
    let ports = vec![v1::ServicePort { port: 80, endpoints: vec![endpoint] }];
    v1::ClusterService { name: "web.shop".to_owned(), addresses: vec![vec![10, 96, 0, 1]], ports }
}

fn pods(pods: Vec<v1::Pod>) -> DirectoryWrite {
    DirectoryWrite { pods, ..Default::default() }
}

#[tokio::test]
async fn what_the_source_writes_is_what_a_watcher_hears() {
    let (world, cluster, source, mut watcher) = story().await;
    let mut stream = Source::open(world.channel(&source).await).await.unwrap();
    for address in [[10, 77, 0, 1], [10, 77, 0, 2], [10, 96, 0, 1]] {
        watcher.look_up(address).await;
        assert_eq!(world.answer(&mut watcher).await.resolution, Resolution::Unknown);
    }
    let services = vec![service(false)];
    let listing = DirectoryWrite { services, complete: true, ..pods(vec![pod(1, true), pod(2, false)]) };
    stream.write(listing).await.unwrap();
    let first = world.answer(&mut watcher).await;
    assert_eq!((first.address, first.resolution), ([10, 77, 0, 2].into(), Resolution::Entry(Entry::Plain)));
    let second = world.answer(&mut watcher).await;
    let Resolution::Service(heard) = &second.resolution else { panic!("{second:?}") };
    assert!(!heard.ports()[0].endpoints[0].ready, "who is not ready is told as well");
    // The sidecar proves itself: from now on it stands there.
    cluster.pod("web-1", 1, "ns/shop/sa/web", "node-a");
    let web = world.attest("web-1").await.unwrap();
    let third = world.answer(&mut watcher).await;
    let Resolution::Entry(Entry::Workload { id, node, instance }) = third.resolution else { panic!("{third:?}") };
    assert_eq!((id, Some(node), instance), (web.leaf().content.id, web.leaf().content.node, web.instance()));
    stream.write(DirectoryWrite { gone_pods: vec![vec![1; 16]], ..Default::default() }).await.unwrap();
    assert_eq!(world.answer(&mut watcher).await.resolution, Resolution::Unknown);
}

#[tokio::test]
async fn a_pod_that_ended_is_told_nothing_more() {
    let (world, cluster, source, _) = story().await;
    let mut stream = Source::open(world.channel(&source).await).await.unwrap();
    cluster.pod("web-1", 1, "ns/shop/sa/web", "node-a");
    let web = world.attest("web-1").await.unwrap();
    stream.write(pods(vec![pod(1, true)])).await.unwrap();
    let (mut watcher, _) = Watcher::settled(&world, &web).await;
    stream.write(DirectoryWrite { gone_pods: vec![vec![1; 16]], ..Default::default() }).await.unwrap();
    assert_refused(Err::<(), _>(watcher.ended().await), Code::PermissionDenied, "is not registered any more");
}

#[tokio::test]
async fn a_newer_stream_ends_an_older_one() {
    let (world, _, source, _) = story().await;
    let mut older = Source::open(world.channel(&source).await).await.unwrap();
    older.write(pods(vec![pod(1, false)])).await.unwrap();
    let mut newer = Source::open(world.channel(&source).await).await.unwrap();
    newer.write(pods(vec![pod(2, false)])).await.unwrap();
    assert_refused(Err::<(), _>(older.ended().await), Code::Aborted, "a newer stream writes the directory");
    newer.write(DirectoryWrite { complete: true, ..Default::default() }).await.unwrap();
    let left = world.ca().store.read(|now| {
        let at = |last| now.pod_at([10, 77, 0, last].into());
        Ok::<_, bulkhead_ca::store::StoreError>((at(1)?.is_some(), at(2)?.is_some()))
    });
    assert_eq!(left.await.unwrap(), (false, true));
}

#[tokio::test]
async fn what_breaks_a_rule_ends_the_stream_by_its_name_and_changes_nothing() {
    let (world, _, source, _) = story().await;
    let bad = v1::Pod { addresses: vec![vec![1]], ..pod(2, true) };
    for (number, write, says) in [
        (2, pods(vec![pod(1, true)]), "write 2 came where write 1 is due"),
        (1, pods(vec![pod(1, true), bad]), "`pods.addresses`"),
        (1, pods(vec![pod(1, true); 1001]), "1001 items; at most 1000"),
    ] {
        let mut stream = Source::open(world.channel(&source).await).await.unwrap();
        stream.number = number - 1;
        assert_refused(stream.write(write).await, Code::InvalidArgument, says);
        let found = world.ca().store.read(|now| now.pod_at([10, 77, 0, 1].into())).await.unwrap();
        assert_eq!(found, None);
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_certificate() {
    let (world, _, source, _) = story().await;
    let mut stream = Source::open(world.channel(&source).await).await.unwrap();
    stream.write(pods(vec![pod(1, false)])).await.unwrap();
    world.advance(std::time::Duration::from_hours(1)).await;
    assert_refused(Err::<(), _>(stream.ended().await), Code::Aborted, "the certificate of this stream ended at");
}

#[tokio::test]
async fn nobody_else_writes_the_directory() {
    let (world, cluster, _, _) = story().await;
    cluster.pod("web-1", 1, "ns/shop/sa/web", "node-a");
    let (web, node) = (world.attest("web-1").await.unwrap(), world.attest("agent-a").await.unwrap());
    let founder = world.founder.clone();
    for (who, says) in [
        (Some(&web), "is not the source of the directory"),
        (Some(&node), "is not the source of the directory"),
        (Some(&founder), "is not the source of the directory"),
        (None, "this call needs a certificate"),
    ] {
        let refused = Source::open(world.connect(who).await.unwrap()).await.map(drop);
        assert_refused(refused, Code::PermissionDenied, says);
    }
}

#[tokio::test]
async fn the_authoritys_own_roles_call_nothing_but_the_source_its_one_face() {
    let (world, _, source, _) = story().await;
    let mut roles = vec![(source, "yes")];
    for role in [ControlRole::Ca, ControlRole::Feed] {
        let serial = Serial::from_random(bulkhead_ca::dice::random().unwrap());
        let leaf = world.ca().authority.control_leaf(role, serial, world.now()).unwrap();
        let record = CertificateRecord::of(&leaf.certificate);
        world.ca().store.write(Lane::Ordinary, move |tx| tx.record_certificate(&record)).await.unwrap();
        roles.push((Identity { key: leaf.identity.key, chain: leaf.identity.chain }, "no"));
    }
    for (who, writes) in roles {
        let channel = world.channel(&who).await;
        let says = match Source::open(channel.clone()).await {
            Ok(_) => "yes",
            Err(status) if status.code() == Code::PermissionDenied => "no",
            Err(status) => panic!("{status:?}"),
        };
        assert_eq!(says, writes, "{}", who.leaf().content.id);
        let answers = knock(channel, &[1; 32], &[2; 16]).await;
        assert_eq!(answers.says(), ["no"; 5], "{}", who.leaf().content.id);
    }
}
