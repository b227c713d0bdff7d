//! Work that waits for a thread, in two lanes: the urgent lane is always served first.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::StoreError;

/// Which writing goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Before all other writing: whatever throws somebody out.
    Urgent,
    /// In the order of arrival.
    Ordinary,
}

/// What a thread does with its connection.
pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Work that waits, bounded in each lane.
pub(super) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    urgent: VecDeque<Job>,
    ordinary: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// An empty queue that holds at most `capacity` in each lane.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, waiting: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds work at the end of its lane.
    pub(super) fn push(&self, lane: Lane, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Closed);
        }
        let places = waiting.lane(lane);
        if places.len() >= self.capacity {
            return Err(StoreError::Busy { lane, waiting: self.capacity });
        }
        places.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next work, waited for; `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Job> {
        let idle = |waiting: &mut Waiting| waiting.urgent.is_empty() && waiting.ordinary.is_empty() && !waiting.closed;
        let mut waiting = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        waiting.urgent.pop_front().or_else(|| waiting.ordinary.pop_front())
    }

    /// Takes no more work; what waits is still given out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No code that can panic runs under this lock, so a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Urgent => &mut self.urgent,
            Lane::Ordinary => &mut self.ordinary,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Urgent => "urgent",
            Self::Ordinary => "ordinary",
        })
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.lock();
        f.debug_struct("Queue")
            .field("urgent", &waiting.urgent.len())
            .field("ordinary", &waiting.ordinary.len())
            .field("closed", &waiting.closed)
            .finish_non_exhaustive()
    }
}
