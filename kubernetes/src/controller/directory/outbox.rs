//! What one stream has yet to say, in the order in which it came up, and which of its writes were answered.

use std::collections::{HashSet, VecDeque};

use bulkhead_mesh::{InstanceId, ServiceName};

/// What a write can speak of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Pod(InstanceId),
    Service(ServiceName),
}

/// One stream's to-do list. What has changed many times before it is said stands there once.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Whether there is a stream; without one nothing is collected.
    open: bool,
    queue: VecDeque<Item>,
    queued: HashSet<Item>,
    /// What this stream has said of what is there.
    told: HashSet<Item>,
    /// How much of the first listing is still to be said.
    listing: usize,
    /// The write that ended the first listing.
    complete: Option<u64>,
    sent: u64,
    answered: u64,
}

/// An answer to a write that nobody awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the CA answered write {number}, and those from {first} to {last} are unanswered")]
pub struct Unexpected {
    number: u64,
    first: u64,
    last: u64,
}

impl Outbox {
    /// A stream begins, and with it everything there is.
    pub(super) fn begin(everything: impl Iterator<Item = Item>) -> Self {
        let queue: VecDeque<Item> = everything.collect();
        let queued = queue.iter().cloned().collect();
        Self { open: true, listing: queue.len(), queue, queued, ..Self::default() }
    }

    /// Something has become of this.
    pub(super) fn put(&mut self, item: Item, is_there: bool) {
        // Of what is gone before it was said there is nothing to say.
        let matters = is_there || self.told.contains(&item);
        if self.open && matters && self.queued.insert(item.clone()) {
            self.queue.push_back(item);
        }
    }

    /// What is next.
    pub(super) fn front(&self) -> Option<&Item> {
        self.queue.front()
    }

    /// That was said, or needed not be.
    pub(super) fn pop(&mut self, is_there: bool) {
        if let Some(item) = self.queue.pop_front() {
            self.listing = self.listing.saturating_sub(1);
            self.queued.remove(&item);
            if is_there {
                self.told.insert(item)
            } else {
                self.told.remove(&item)
            };
        }
    }

    /// Whether this stream has said of it that it is there.
    pub(super) fn has_told(&self, item: &Item) -> bool {
        self.told.contains(item)
    }

    /// The number of the next write, and whether it ends the first listing, which only one does.
    pub(super) fn number(&mut self) -> (u64, bool) {
        self.sent += 1;
        let ends_listing = self.owes_end();
        if ends_listing {
            self.complete = Some(self.sent);
        }
        (self.sent, ends_listing)
    }

    /// Whether the first listing was said to its end, but not that this is it.
    pub(super) fn owes_end(&self) -> bool {
        self.open && self.listing == 0 && self.complete.is_none()
    }

    /// Whether there is anything to say.
    pub(super) fn wants(&self) -> bool {
        self.open && (!self.queue.is_empty() || self.complete.is_none())
    }

    /// How many writes wait for an answer.
    pub(super) fn unanswered(&self) -> u64 {
        self.sent - self.answered
    }

    /// The writes up to this one are committed.
    pub(super) fn answer(&mut self, number: u64) -> Result<(), Unexpected> {
        let (first, last) = (self.answered + 1, self.sent);
        if !(first..=last).contains(&number) {
            return Err(Unexpected { number, first, last });
        }
        self.answered = number;
        Ok(())
    }

    /// Whether the end of the first listing was answered.
    pub(super) fn has_listed(&self) -> bool {
        self.complete.is_some_and(|number| number <= self.answered)
    }
}
