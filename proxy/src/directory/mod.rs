//! What stands at an address, as the CA's directory says: at once where it is known, else asked on the feed.
//!
//! What is known is read under a lock that is held for one look into a table; only a question crosses to the task of
//! the feed. That task keeps the table: an entry is in it only while the CA keeps the address fresh for this proxy.

mod desk;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::Resolution;
use bulkhead_protocol::feed::subscriber::Lookup;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub(crate) use desk::{Desk, Question};

/// Answers questions about addresses.
#[derive(Clone, Debug)]
pub struct Directory {
    known: Arc<desk::Known>,
    questions: mpsc::Sender<Question>,
    patience: Duration,
}

/// What the directory keeps and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryLimits {
    /// Addresses whose answers are at hand without a question. Default 4,096; it must be much less than the feed's own
    /// limit of addresses in use, so that what is at hand is never what the feed has dropped.
    pub known: usize,
    /// Connections that wait for an answer at a time. Default 4,096; a further one is refused.
    pub waiting: usize,
    /// How long one of them waits. Default 1 s.
    pub patience: Duration,
}

impl Default for DirectoryLimits {
    fn default() -> Self {
        Self { known: 4096, waiting: 4096, patience: Duration::from_secs(1) }
    }
}

impl Directory {
    /// A directory, and the desk at which the feed answers its questions.
    pub(crate) fn new(limits: DirectoryLimits) -> (Self, Desk) {
        let (sender, receiver) = mpsc::channel(limits.waiting.max(1));
        let desk = Desk::new(limits, receiver);
        (Self { known: desk.known(), questions: sender, patience: limits.patience }, desk)
    }

    /// What stands at an address.
    pub async fn resolve(&self, address: IpAddr) -> Result<Resolution, NotResolved> {
        let address = address.to_canonical();
        match self.known.get(address) {
            Some(resolution) => Ok(resolution),
            None => self.ask(address, Lookup::Cached).await,
        }
    }

    /// What stands at an address, asked of the CA's store: what was known does not fit what was met there.
    pub async fn resolve_afresh(&self, address: IpAddr) -> Result<Resolution, NotResolved> {
        self.ask(address.to_canonical(), Lookup::Afresh).await
    }

    async fn ask(&self, address: IpAddr, how: Lookup) -> Result<Resolution, NotResolved> {
        let (answer, answered) = oneshot::channel();
        self.questions.try_send(Question { address, how, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotResolved::Busy { address },
            mpsc::error::TrySendError::Closed(_) => NotResolved::Stopped { address },
        })?;
        match timeout(self.patience, answered).await {
            Ok(Ok(resolution)) => Ok(resolution),
            Ok(Err(_)) => Err(NotResolved::Busy { address }),
            Err(_) => Err(NotResolved::NoAnswer { address, waited: self.patience }),
        }
    }
}

/// Why it is not known what stands at an address. It is never reached then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum NotResolved {
    #[error("the directory has not said within {waited:?} what stands at {address}")]
    NoAnswer { address: IpAddr, waited: Duration },
    #[error("too many connections wait for the directory to ask it for {address} as well")]
    Busy { address: IpAddr },
    #[error("{address} is not looked up any more: the proxy is stopping")]
    Stopped { address: IpAddr },
}

impl NotResolved {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoAnswer { .. } => Some("the CA cannot be reached, and this address was not in use before"),
            Self::Busy { .. } | Self::Stopped { .. } => None,
        }
    }
}
