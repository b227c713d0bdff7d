//! How many bytes the application has taken from all bulk connections of one run.
//!
//! What a client has written says little: megabytes of it may lie in the buffers of the sockets and proxies between. So
//! the client asks the application, on a connection of its own that costs three round trips in a run. Counts sent back on
//! the bulk connections themselves would be work for the proxies that are measured.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::Failure;
use super::kind::Own;
use super::wire::dial;

/// The server's side: the counts of all runs that have a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledgers(Arc<Mutex<HashMap<u64, Weak<AtomicU64>>>>);

impl Ledgers {
    /// The count of this run. It is forgotten when the last connection that has it ends.
    pub(super) fn of(&self, run: u64) -> Arc<AtomicU64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, count| count.strong_count() > 0);
        if let Some(count) = counts.get(&run).and_then(Weak::upgrade) {
            return count;
        }
        let count = Arc::default();
        counts.insert(run, Arc::downgrade(&count));
        count
    }
}

/// The client's side: a connection on which it asks.
#[derive(Debug)]
pub(super) struct Ledger(TcpStream);

impl Ledger {
    pub(super) async fn open(target: SocketAddr, run: u64) -> Result<Self, Failure> {
        let mut stream = dial(target).await?;
        let mut opening = vec![Own::Ledger.byte()];
        opening.extend_from_slice(&run.to_be_bytes());
        stream.write_all(&opening).await.map_err(Failure::Send)?;
        Ok(Self(stream))
    }

    /// How many bytes the application has taken. The answer is as old as half a round trip, at both ends of the measured
    /// time alike.
    pub(super) async fn ask(&mut self) -> Result<u64, Failure> {
        let asked = async {
            self.0.write_all(b"?").await.map_err(Failure::Send)?;
            self.0.read_u64().await.map_err(Failure::Receive)
        };
        timeout(PATIENCE, asked).await.unwrap_or(Err(Failure::Silent(PATIENCE)))
    }
}

/// Adds to a count.
pub(super) fn add(count: &AtomicU64, bytes: usize) {
    count.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_count_while_it_has_a_connection() {
        let ledgers = Ledgers::default();
        let (one, other) = (ledgers.of(1), ledgers.of(2));
        add(&one, 5);
        add(&ledgers.of(1), 2);
        assert_eq!((one.load(Ordering::Relaxed), other.load(Ordering::Relaxed)), (7, 0));
        drop(one);
        assert_eq!(ledgers.of(1).load(Ordering::Relaxed), 0);
    }
}
