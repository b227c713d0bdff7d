//! The canary: does a connection that leaves this namespace still arrive at the proxy?
//!
//! The proxy has no right to list rules, and its own connections are exempt from them. So one rule before the exemption
//! redirects one destination, and the proxy connects to it: if the connection arrives at the proxy's own listener with
//! that destination on record, the chain is in place.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::libc;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::config::CANARIES;
use crate::socket::{self, Purpose};

/// Joins the prober with the listener of captured connections; clones are the same canary.
#[derive(Clone, Debug, Default)]
pub struct Canary(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Where canaries that arrived came from, newest last.
    arrived: Mutex<Vec<SocketAddr>>,
    news: Notify,
}

/// What a probe has shown, per family.
#[derive(Debug)]
pub struct Findings {
    /// On IPv4.
    pub v4: Result<(), CanaryError>,
    /// On IPv6.
    pub v6: Result<(), CanaryError>,
}

impl Findings {
    /// Whether they show nothing: a canary could not be sent for want of a descriptor, and no other speaks against capture.
    pub fn show_nothing(&self) -> bool {
        let both = [&self.v4, &self.v6];
        let unsent = |found: &Result<(), CanaryError>| matches!(found, Err(CanaryError::NoDescriptor(_)));
        let harmless = |found: &Result<(), CanaryError>| matches!(found, Ok(()) | Err(CanaryError::NoRoute));
        both.into_iter().any(unsent) && both.into_iter().all(|found| unsent(found) || harmless(found))
    }

    /// Whether capture is proved: in at least one family, and in the other one too unless nothing can leave by it.
    pub fn prove_capture(&self) -> bool {
        let harmless = |found: &Result<(), CanaryError>| matches!(found, Ok(()) | Err(CanaryError::NoRoute));
        (self.v4.is_ok() || self.v6.is_ok()) && harmless(&self.v4) && harmless(&self.v6)
    }
}

/// Why a canary did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// Nothing can leave this namespace in this family, so there is nothing to capture.
    #[error("there is no route out of this namespace")]
    NoRoute,
    /// The connection was made, but somewhere else: capture is not in place and somebody answers in the canary's name.
    #[error("the canary was answered by somebody else")]
    Elsewhere,
    /// The connection failed: capture is not in place, or the proxy's own listener is not.
    #[error("the canary did not get through")]
    Failed(#[source] io::Error),
    /// This process has no descriptor left, which says nothing about capture.
    #[error("no descriptor is left for a canary")]
    NoDescriptor(#[source] io::Error),
    /// Nothing happened in time: capture is not in place.
    #[error("the canary did not arrive within {} ms", .limit.as_millis())]
    Lost {
        /// The deadline of the probe.
        limit: Duration,
    },
}

impl Canary {
    /// Sends one canary in each family, and waits until they have arrived, at most `limit`.
    pub async fn probe(&self, limit: Duration) -> Findings {
        let [v4, v6] = CANARIES;
        let (v4, v6) = tokio::join!(self.fly(v4, limit), self.fly(v6, limit));
        Findings { v4, v6 }
    }

    /// To be asked for each captured connection: whether it is a canary, which then needs nothing more than to be closed.
    pub fn arrival(&self, original: SocketAddr, from: SocketAddr) -> bool {
        if !CANARIES.contains(&original) {
            return false;
        }
        let mut arrived = self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        // An application may call the canary's address too; it can only push out the oldest.
        if arrived.len() == REMEMBERED {
            arrived.remove(0);
        }
        arrived.push(from);
        drop(arrived);
        self.0.news.notify_waiters();
        true
    }

    async fn fly(&self, to: SocketAddr, limit: Duration) -> Result<(), CanaryError> {
        let flight = async {
            let stream = socket::connect(to, Purpose::Application).await.map_err(connect_error)?;
            let from = stream.local_addr().map_err(CanaryError::Failed)?;
            self.until_arrived(from, &stream).await
        };
        timeout(limit, flight).await.unwrap_or(Err(CanaryError::Lost { limit }))
    }

    /// The arrival may be noticed before or after the connection is known here to stand.
    async fn until_arrived(&self, from: SocketAddr, stream: &TcpStream) -> Result<(), CanaryError> {
        loop {
            let news = self.0.news.notified();
            if self.take(from) {
                return Ok(());
            }
            tokio::select! {
                () = news => {}
                // The proxy closes a canary only after it has noted the arrival.
                _ = stream.readable() => return if self.take(from) { Ok(()) } else { Err(CanaryError::Elsewhere) },
            }
        }
    }

    fn take(&self, from: SocketAddr) -> bool {
        let mut arrived = self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let at = arrived.iter().position(|address| *address == from);
        at.map(|at| arrived.remove(at)).is_some()
    }
}

fn connect_error(error: io::Error) -> CanaryError {
    let number = error.raw_os_error();
    match error.kind() {
        _ if matches!(number, Some(libc::EMFILE | libc::ENFILE)) => CanaryError::NoDescriptor(error),
        // Without an address in this family there is no route either, but the kernel says it differently.
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => CanaryError::NoRoute,
        _ if number == Some(libc::EAFNOSUPPORT) => CanaryError::NoRoute,
        _ => CanaryError::Failed(error),
    }
}

const REMEMBERED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_a_descriptor_says_nothing_about_capture() {
        let unsent = || Err(connect_error(io::Error::from_raw_os_error(libc::EMFILE)));
        let findings = Findings { v4: unsent(), v6: Err(CanaryError::NoRoute) };
        assert!(findings.show_nothing() && !findings.prove_capture());
        assert!(!Findings { v4: unsent(), v6: Err(CanaryError::Elsewhere) }.show_nothing());
        assert!(!Findings { v4: Ok(()), v6: Err(CanaryError::NoRoute) }.show_nothing());
    }
}
