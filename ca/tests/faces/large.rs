//! A snapshot that is larger than what a watcher takes at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_ca::denied::Denied;
use bulkhead_ca::store::{FactKind, Lane};
use bulkhead_identity::Demand;
use bulkhead_identity::tls::unused_server_name;
use bulkhead_mesh::{ControlRole, Cutoff, Serial, Subject, Timestamp};
use bulkhead_protocol::feed::Statement;
use bulkhead_protocol::v1::watch_reply::Message;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::counted::Counted;
use crate::feed::with_workload;
use crate::people::Identity;
use crate::watcher::Watcher;
use crate::world::{World, soon};

/// HTTP/2 ends a connection whose receiver has to keep many small frames; facts are small, and a watcher that checks
/// their signatures is slower than a CA that has signed them long ago.
#[tokio::test]
async fn a_watcher_that_reads_slowly_is_told_the_whole_of_a_large_snapshot() {
    let (world, _, web) = with_workload().await;
    cut_off_many(&world).await;
    let (channel, mut arrived) = narrow_channel(&world, &web).await;
    let mut watcher = Watcher::open(channel).await.unwrap();
    watcher.hello(None).await;
    // It reads nothing until the CA has sent all that it may: by then its end of HTTP/2 keeps all those frames.
    soon(arrived.wait_for(|bytes| *bytes >= WINDOW as usize)).await.expect("the connection stands");
    // The issuers and the policy are facts, too.
    let all = u64::from(MANY) + 2;
    assert_eq!(soon(until_the_end(&mut watcher)).await, (all, all));
}

/// How many facts came, and how many the end speaks of.
async fn until_the_end(watcher: &mut Watcher) -> (u64, u64) {
    let mut facts = 0;
    loop {
        match watcher.next().await {
            Message::Fact(_) => facts += 1,
            Message::SnapshotEnd(end) => return (facts, end.facts),
            _ => {}
        }
    }
}

async fn cut_off_many(world: &World) {
    let (ca, at) = (Arc::clone(world.ca()), world.now());
    let said = world.ca().store.write(Lane::Ordinary, move |tx| {
        for number in 0..MANY {
            let cutoff = cutoff(number, at.plus(Duration::from_hours(1)));
            ca.fanout.say(tx, FactKind::Cutoff, Some(cutoff.bound), &Statement::Cutoff(cutoff))?;
        }
        Ok::<_, Denied>(())
    });
    said.await.unwrap();
    world.ca().fanout.publish(world.ca()).await.unwrap();
}

fn cutoff(number: u32, bound: Timestamp) -> Cutoff {
    let mut bytes = [7; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    Cutoff { subject: Subject::Serial(Serial::from_random(bytes)), reason: "lost".parse().unwrap(), bound }
}

/// A connection that takes 64 KiB at a time, as HTTP/2 has it where nobody says otherwise, and how much came over it.
async fn narrow_channel(world: &World, who: &Identity) -> (Channel, watch::Receiver<usize>) {
    let tcp = TcpStream::connect(world.address()).await.unwrap();
    let (config, _slot) = world.connector(Some(who)).begin(Demand::control(ControlRole::Ca));
    let stream = TlsConnector::from(config).connect(unused_server_name(), tcp).await.unwrap();
    let (stream, arrived) = Counted::new(stream);
    let mut once = Some(TokioIo::new(stream));
    let give = service_fn(move |_| {
        let taken = once.take().ok_or_else(|| io::Error::other("there is one connection only"));
        async move { taken }
    });
    let endpoint = Endpoint::from_static("http://bulkhead-ca").initial_stream_window_size(WINDOW);
    let channel = endpoint.initial_connection_window_size(WINDOW).connect_with_connector(give).await.unwrap();
    (channel, arrived)
}

const MANY: u32 = 2_000;
const WINDOW: u32 = 65_535;
