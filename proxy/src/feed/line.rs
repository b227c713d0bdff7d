//! The connection to the CA as the driver sees it: waiting, dialling, or open.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::v1::{WatchReply, WatchRequest};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::dial::{Conversation, Dial, DialError};
use crate::identity_source::Svid;

/// Where the connection stands. One thing at a time, and dropping it ends it.
pub(super) struct Line {
    dial: Box<dyn Dial>,
    svid: watch::Receiver<Option<Arc<Svid>>>,
    state: State,
}

enum State {
    Pause(Instant),
    Dialing(BoxFuture<'static, (Arc<Svid>, Result<Conversation, DialError>)>),
    Open(Arc<Svid>, Conversation),
}

/// What has happened on the line.
#[derive(Debug)]
pub(super) enum Heard {
    /// It is open. The first message is awaited.
    Open,
    /// It could not be opened with this certificate.
    NotOpened(DialError, Arc<Svid>),
    /// The CA has said this.
    Reply(WatchReply),
    /// It has ended; with a status where the CA gave a reason.
    Ended(Option<Status>),
}

impl Line {
    /// Dials at once.
    pub(super) fn new(dial: Box<dyn Dial>, svid: watch::Receiver<Option<Arc<Svid>>>) -> Self {
        Self { dial, svid, state: State::Pause(Instant::now()) }
    }

    /// The next thing to happen. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Heard {
        if let State::Pause(end) = self.state {
            sleep_until(end).await;
            // Whichever certificate there is then: a renewed one is used from the next connection on.
            let svid = present(&mut self.svid).await;
            let dialing = self.dial.dial(Arc::clone(&svid));
            self.state = State::Dialing(Box::pin(async move { (svid, dialing.await) }));
        }
        match &mut self.state {
            State::Pause(_) => pending().await,
            State::Dialing(dialing) => match dialing.await {
                (svid, Ok(conversation)) => {
                    self.state = State::Open(svid, conversation);
                    Heard::Open
                }
                (svid, Err(error)) => Heard::NotOpened(error, svid),
            },
            State::Open(_, conversation) => match conversation.replies.next().await {
                Some(Ok(reply)) => Heard::Reply(reply),
                Some(Err(status)) => Heard::Ended(Some(status)),
                None => Heard::Ended(None),
            },
        }
    }

    /// Drops whatever there is, and dials after a pause.
    pub(super) fn pause(&mut self, pause: Duration) {
        self.state = State::Pause(Instant::now() + pause);
    }

    /// Sends a message; `false` when the CA does not read what was sent before, or there is no stream.
    pub(super) fn send(&self, request: WatchRequest) -> bool {
        match &self.state {
            State::Open(_, conversation) => conversation.requests.try_send(request).is_ok(),
            State::Pause(_) | State::Dialing(_) => false,
        }
    }

    /// The certificate that this stream was opened with.
    pub(super) fn svid(&self) -> Option<&Arc<Svid>> {
        match &self.state {
            State::Open(svid, _) => Some(svid),
            State::Pause(_) | State::Dialing(_) => None,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("dial", &self.dial).finish_non_exhaustive()
    }
}

/// The certificate, as soon as there is one.
async fn present(svid: &mut watch::Receiver<Option<Arc<Svid>>>) -> Arc<Svid> {
    match svid.wait_for(Option::is_some).await.map(|svid| svid.clone()) {
        Ok(Some(svid)) => svid,
        // Nobody will say any more what this workload is.
        Ok(None) | Err(_) => pending().await,
    }
}
