//! Keeps the disk up with what is held: one write at a time, each of the latest.

use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_protocol::feed::Position;
use bulkhead_protocol::feed::subscriber::Held;
use tokio::task::JoinSet;

use crate::disk::{DiskError, HeldFile};

/// What is on the disk, and what is on its way there.
#[derive(Debug)]
pub(super) struct Persisting {
    file: HeldFile,
    writing: JoinSet<Written>,
    wanted: bool,
    /// After a failure nothing is written before this, on the clock that never jumps.
    not_before: Duration,
    position: Option<Position>,
}

/// How a write has ended.
pub(super) type Written = (Option<Position>, Result<(), DiskError>);

impl Persisting {
    /// `position` is what the file holds.
    pub(super) fn new(file: HeldFile, position: Option<Position>) -> Self {
        Self { file, writing: JoinSet::new(), wanted: false, not_before: Duration::ZERO, position }
    }

    /// Up to where the disk holds everything.
    pub(super) fn position(&self) -> Option<Position> {
        self.position
    }

    /// What is held now is to be on the disk soon.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// Begins a write if one is wanted and none is under way.
    pub(super) fn start(&mut self, held: &Held, boot: Duration) {
        if self.wanted && self.writing.is_empty() && boot >= self.not_before {
            self.wanted = false;
            self.write(held);
        }
    }

    /// Waits for the write that is under way. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Written {
        match self.writing.join_next().await {
            Some(Ok(written)) => written,
            Some(Err(_)) | None => std::future::pending().await,
        }
    }

    /// Notes how a write has ended; one that failed is tried again after a while.
    pub(super) fn ended(&mut self, (position, outcome): Written, boot: Duration) {
        match outcome {
            Ok(()) => self.position = position,
            Err(error) => {
                let hint = error.hint();
                tracing::error!(error = chain(&error), hint, "nothing is acknowledged before it is on the disk");
                self.wanted = true;
                self.not_before = boot.saturating_add(RETRY);
            }
        }
    }

    /// Writes what is still wanted and waits for it, for the proxy is stopping.
    pub(super) async fn finish(&mut self, held: &Held) {
        while self.writing.join_next().await.is_some() {}
        if self.wanted {
            self.write(held);
            while self.writing.join_next().await.is_some() {}
        }
    }

    fn write(&mut self, held: &Held) {
        let (file, position, bytes) = (self.file.clone(), held.position(), held.to_bytes());
        self.writing.spawn_blocking(move || (position, file.save(&bytes)));
    }
}

const RETRY: Duration = Duration::from_secs(5);
