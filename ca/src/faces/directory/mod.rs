//! Directory: the one stream on which `/control/directory` writes what stands where, each message one transaction.

mod read;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bulkhead_daemon::chain;
use bulkhead_protocol::v1::directory_server::Directory;
use bulkhead_protocol::v1::{DirectoryWrite, DirectoryWritten};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::ca::Ca;
use crate::caller::{Caller, DirectorySource};
use crate::denied::Denied;
use crate::metrics::Call;
use crate::store::{DirectoryChange, Lane, Listing, StoreError};

/// Serves Directory, behind the layer for [`DirectorySource`].
#[derive(Clone, Debug)]
pub struct DirectoryFace(pub Arc<Ca>);

/// What the source is answered; dropping it, as tonic does when the source is gone, ends the writing.
#[derive(Debug)]
pub struct Answers {
    answers: ReceiverStream<Result<DirectoryWritten, Status>>,
    _writing: JoinSet<()>,
}

#[tonic::async_trait]
impl Directory for DirectoryFace {
    type WriteStream = Answers;

    async fn write(&self, request: Request<Streaming<DirectoryWrite>>) -> Result<Response<Answers>, Status> {
        let by = Caller::<DirectorySource>::of(&request)?;
        let (sender, receiver) = mpsc::channel(1);
        let mut writing = JoinSet::new();
        writing.spawn(serve(Arc::clone(&self.0), by, request.into_inner(), sender));
        Ok(Response::new(Answers { answers: ReceiverStream::new(receiver), _writing: writing }))
    }
}

type Sender = mpsc::Sender<Result<DirectoryWritten, Status>>;

/// Writes until the source leaves, breaks a rule, is replaced by a newer stream, or may write no more.
async fn serve(ca: Arc<Ca>, by: Caller<DirectorySource>, writes: Streaming<DirectoryWrite>, answers: Sender) {
    let ended = tokio::select! {
        ended = follow(&ca, writes, &answers) => ended,
        () = ca.clock.until(by.role().not_after) => {
            Err(Status::aborted(format!("the certificate of this stream ended at {}", by.role().not_after)))
        }
        () = ca.stop.stopped() => Err(Status::unavailable("the CA is being stopped")),
    };
    if let Err(status) = ended {
        tracing::info!(reason = status.message(), "a stream of the directory was ended");
        // The source may be gone already.
        let _ = answers.send(Err(status)).await;
    }
}

async fn follow(ca: &Arc<Ca>, mut writes: Streaming<DirectoryWrite>, answers: &Sender) -> Result<(), Status> {
    let listing = begin(ca).await?;
    tracing::info!("a listing of the directory begins");
    let mut present = ca.listing.subscribe();
    let mut expected = 1;
    loop {
        let message = tokio::select! {
            message = writes.message() => message?,
            // An error says that the CA is gone, and this stream with it.
            _ = present.wait_for(|present| *present > Some(listing)) => {
                return Err(Status::aborted("a newer stream writes the directory"));
            }
        };
        let Some(message) = message else { return Ok(()) };
        let number = message.number;
        let written = write(ca, listing, expected, message).await;
        ca.metrics.called(Call::Directory, super::outcome(&written));
        written?;
        if answers.send(Ok(DirectoryWritten { number })).await.is_err() {
            return Ok(());
        }
        expected += 1;
    }
}

/// From here on no other stream writes, and those that stand hear so.
async fn begin(ca: &Arc<Ca>) -> Result<Listing, Denied> {
    #[allow(clippy::redundant_closure_for_method_calls, reason = "a method path is tied to one lifetime of the view")]
    let listing = ca.store.write(Lane::Ordinary, |tx| tx.begin_listing()).await?;
    ca.listing.send_modify(|present| *present = (*present).max(Some(listing)));
    Ok(listing)
}

async fn write(ca: &Arc<Ca>, listing: Listing, expected: u64, message: DirectoryWrite) -> Result<(), Denied> {
    if message.number != expected {
        return Err(Denied::OutOfOrder { found: message.number, expected });
    }
    let change: DirectoryChange = read::change(message)?;
    let complete = change.complete;
    let written = ca.store.write(Lane::Ordinary, move |tx| tx.write_directory(listing, &change));
    written.await.map_err(|source: StoreError| Denied::from(source))?;
    if complete {
        tracing::info!("the listing of the directory is whole");
    }
    if let Err(error) = ca.fanout.publish(ca).await {
        // It is written, and whoever follows the store tells it.
        tracing::warn!(error = chain(&error), "a change of the directory waits to be told");
    }
    Ok(())
}

impl Stream for Answers {
    type Item = Result<DirectoryWritten, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.answers).poll_next(context)
    }
}
