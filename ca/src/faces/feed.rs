//! Feed: one stream per watcher, served by a [`Session`] that ends with it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_protocol::v1::feed_server::Feed;
use bulkhead_protocol::v1::{Hello, WatchReply, WatchRequest, watch_request};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::ca::Ca;
use crate::caller::{Caller, Watcher};
use crate::fanout::session::Session;
use crate::metrics::{Call, Outcome};

/// Serves Feed, behind the layer for [`Watcher`].
#[derive(Clone, Debug)]
pub struct FeedFace(pub Arc<Ca>);

/// What a watcher is sent; dropping it, as tonic does when the watcher is gone, ends the session.
#[derive(Debug)]
pub struct Replies {
    replies: ReceiverStream<Result<WatchReply, Status>>,
    _session: JoinSet<()>,
}

#[tonic::async_trait]
impl Feed for FeedFace {
    type WatchStream = Replies;

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Result<Response<Replies>, Status> {
        let by = Caller::<Watcher>::of(&request)?;
        let (sender, receiver) = mpsc::channel(IN_A_FRAME);
        let mut session = JoinSet::new();
        session.spawn(until_stopped(Arc::clone(&self.0), by, request.into_inner(), sender));
        Ok(Response::new(Replies { replies: ReceiverStream::new(receiver), _session: session }))
    }
}

type Sender = mpsc::Sender<Result<WatchReply, Status>>;

/// A stream that stands would hold up the end of the CA for as long as its watcher lives.
async fn until_stopped(ca: Arc<Ca>, by: Caller<Watcher>, requests: Streaming<WatchRequest>, replies: Sender) {
    tokio::select! {
        () = serve(Arc::clone(&ca), by, requests, replies.clone()) => {}
        () = ca.stop.stopped() => {
            // A watcher that is behind in its reading sees the end without the reason.
            let _ = replies.try_send(Err(Status::unavailable("the CA is being stopped")));
        }
    }
}

async fn serve(ca: Arc<Ca>, by: Caller<Watcher>, mut requests: Streaming<WatchRequest>, replies: Sender) {
    let welcomed = async {
        let hello = hello(&mut requests, ca.settings.watch.hello).await?;
        Session::welcome(&ca, by.role().clone(), &hello)
    };
    match welcomed.await {
        Ok(session) => {
            ca.metrics.called(Call::Watch, Outcome::Done);
            session.run(requests, replies).await;
        }
        Err(status) => {
            ca.metrics.called(Call::Watch, Outcome::Refused);
            // The watcher may be gone already.
            let _ = replies.try_send(Err(status));
        }
    }
}

async fn hello(requests: &mut Streaming<WatchRequest>, limit: Duration) -> Result<Hello, Status> {
    let too_late = |_| Status::deadline_exceeded(format!("no Hello came within {limit:?}"));
    let first = timeout(limit, requests.message()).await.map_err(too_late)??;
    match first.and_then(|request| request.message) {
        Some(watch_request::Message::Hello(hello)) => Ok(hello),
        _ => Err(Status::invalid_argument("the first message must be Hello")),
    }
}

impl Stream for Replies {
    type Item = Result<WatchReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.replies).poll_next(context)
    }
}

/// What waits is put into one frame of HTTP/2 (16 KiB). With a frame for each fact, of some 160 bytes, a watcher that
/// checks signatures more slowly than we send facts would have to keep so many small frames that its end of HTTP/2 takes
/// them for an attack and breaks off, in the middle of each large snapshot. A cutoff waits behind no more than this.
const IN_A_FRAME: usize = 64;
