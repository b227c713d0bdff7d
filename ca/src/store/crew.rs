//! Threads that own a connection each and take their work from one queue.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::StoreError;
use super::queue::{Lane, Queue};

/// Threads with one queue; they end when the crew is dismissed or dropped, after the work that waits.
#[derive(Debug)]
pub(super) struct Crew {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Crew {
    /// A crew without threads, for which at most `capacity` may wait in each lane.
    pub(super) fn new(capacity: usize) -> Self {
        Self { queue: Arc::new(Queue::new(capacity)), threads: Mutex::default() }
    }

    /// Adds a thread with its connection; what it `keeps` is let go after the connection was closed.
    pub(super) fn hire(&mut self, name: &str, connection: Connection, keeps: impl Send + 'static) -> io::Result<()> {
        let queue = Arc::clone(&self.queue);
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            work(&queue, connection);
            drop(keeps);
        })?;
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Gives the crew something to do.
    pub(super) fn assign(
        &self,
        lane: Lane,
        job: impl FnOnce(&mut Connection) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.queue.push(lane, Box::new(job))
    }

    /// Lets the threads do what waits, and waits for their end.
    pub(super) async fn dismiss(&self) {
        self.queue.close();
        let threads = self.take_threads();
        // The blocking pool can only fail by a panic or a runtime that shuts down: then the drop below has nothing left
        // to wait for, and the queue is closed all the same.
        let _ = tokio::task::spawn_blocking(|| join(threads)).await;
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.queue.close();
        join(self.take_threads());
    }
}

/// A thread that drops the last handle of its own store cannot wait for itself: it ends right after.
fn join(threads: Vec<JoinHandle<()>>) {
    let own = thread::current().id();
    for thread in threads.into_iter().filter(|thread| thread.thread().id() != own) {
        if thread.join().is_err() {
            tracing::error!("a thread of the store ended by a panic");
        }
    }
}

/// A panic in a piece of work is a bug of that piece: its transaction was rolled back by the unwinding, its caller is
/// told, and the CA goes on, for it must still be able to revoke.
fn work(queue: &Queue, mut connection: Connection) {
    while let Some(job) = queue.next() {
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            tracing::error!("work on the store panicked and was rolled back");
        }
    }
}
