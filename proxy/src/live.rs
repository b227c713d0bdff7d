//! The index of open tunnels and connections: what revocation, policy changes, expiry and drain find and end.
//!
//! Whoever opens something enters it here *before* it reads the truth and decides. A change of the truth is published
//! first and swept afterwards. So for every entry and every change one of two things holds: the entry came first and
//! the sweep finds it, or the change came first and the decision sees it. Nothing slips between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Everything that is open, each with a subject `S` that says what it is and a way to cut it for a reason `C`.
#[derive(Debug)]
pub struct Live<S, C> {
    table: Mutex<Table<S, C>>,
    /// How many have left so far; whoever waits for one to leave watches it.
    departures: watch::Sender<u64>,
}

/// A place in the index; what it stands for is out of the index when this is dropped.
///
/// Drop it only after the connection below is really closed: revocation is acknowledged when the places are gone.
#[derive(Debug)]
pub struct Seat<S, C> {
    live: Arc<Live<S, C>>,
    number: u64,
    subject: Arc<S>,
    cut: watch::Receiver<Option<C>>,
}

#[derive(Debug)]
struct Table<S, C> {
    next: u64,
    open: BTreeMap<u64, Entry<S, C>>,
}

#[derive(Debug)]
struct Entry<S, C> {
    subject: Arc<S>,
    cut: watch::Sender<Option<C>>,
}

impl<S, C: Clone> Live<S, C> {
    /// An empty index.
    pub fn new() -> Arc<Self> {
        let table = Mutex::new(Table { next: 0, open: BTreeMap::new() });
        Arc::new(Self { table, departures: watch::Sender::new(0) })
    }

    /// Enters something that is about to open. From here on a sweep reaches it.
    pub fn enter(self: &Arc<Self>, subject: S) -> Seat<S, C> {
        let subject = Arc::new(subject);
        let (sender, receiver) = watch::channel(None);
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        table.open.insert(number, Entry { subject: Arc::clone(&subject), cut: sender });
        drop(table);
        Seat { live: Arc::clone(self), number, subject, cut: receiver }
    }

    /// Cuts everything for which `judge` has a reason; returns how many were cut that were not already.
    ///
    /// A cut is a request to the task that holds the seat: [`Live::until_none`] waits until it was carried out.
    pub fn sweep(&self, judge: impl Fn(&S) -> Option<C>) -> usize {
        let table = self.lock();
        let cut = |entry: &Entry<S, C>| entry.cut.borrow().is_none() && entry.cut_for(judge(&entry.subject));
        table.open.values().filter(|entry| cut(entry)).count()
    }

    /// Waits until nothing in the index is matched. What matches is asked of `look` once for each look at the index, when
    /// nothing can enter any more: the answer is never older than what is looked at.
    pub async fn until_none<M: Fn(&S) -> bool>(&self, look: impl Fn() -> M) {
        let mut departures = self.departures.subscribe();
        while self.any(&look) {
            // The sender lives as long as `self`, so this can only end by a departure.
            let _ = departures.changed().await;
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.lock().open.len()
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.lock().open.is_empty()
    }

    fn any<M: Fn(&S) -> bool>(&self, look: impl Fn() -> M) -> bool {
        let table = self.lock();
        let matched = look();
        table.open.values().any(|entry| matched(&entry.subject))
    }
}

impl<S, C> Live<S, C> {
    /// The table is consistent after every statement under the lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Table<S, C>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C> Entry<S, C> {
    fn cut_for(&self, reason: Option<C>) -> bool {
        let cut = reason.is_some();
        if cut {
            self.cut.send_replace(reason);
        }
        cut
    }
}

impl<S, C: Clone> Seat<S, C> {
    /// What was entered.
    pub fn subject(&self) -> &Arc<S> {
        &self.subject
    }

    /// Waits until this is cut, and says why.
    pub async fn cut(&self) -> C {
        let mut receiver = self.cut.clone();
        let cut = receiver.wait_for(Option::is_some).await.map(|reason| reason.clone());
        match cut {
            Ok(Some(reason)) => reason,
            // The sender is in the table for as long as this seat is, so the channel cannot close first.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Why this was cut, if it was.
    pub fn is_cut(&self) -> Option<C> {
        self.cut.borrow().clone()
    }
}

impl<S, C> Drop for Seat<S, C> {
    fn drop(&mut self) {
        self.live.lock().open.remove(&self.number);
        self.live.departures.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Looks at a future once.
    fn is_ready(future: std::pin::Pin<&mut impl Future>) -> bool {
        matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
    }

    #[test]
    fn a_sweep_cuts_what_it_matches_and_nothing_else() {
        let live = Live::new();
        let (odd, even) = (live.enter(1), live.enter(2));
        assert_eq!(live.sweep(|number| (number % 2 == 1).then_some("odd")), 1);
        assert_eq!((odd.is_cut(), even.is_cut()), (Some("odd"), None));
    }

    #[test]
    fn a_second_sweep_does_not_count_or_rename_the_first_cut() {
        let live = Live::new();
        let seat = live.enter(1);
        assert_eq!(live.sweep(|_| Some("first")), 1);
        assert_eq!(live.sweep(|_| Some("second")), 0);
        assert_eq!(seat.is_cut(), Some("first"));
    }

    #[test]
    fn waiting_ends_only_when_the_last_match_has_left() {
        let live: Arc<Live<u32, &str>> = Live::new();
        let (first, second, other) = (live.enter(1), live.enter(1), live.enter(2));
        let mut waiting = pin!(live.until_none(|| |number: &u32| *number == 1));
        live.sweep(|number| (*number == 1).then_some("cut"));
        assert!(!is_ready(waiting.as_mut()), "both are cut, but neither has left");
        drop(first);
        assert!(!is_ready(waiting.as_mut()), "one is still held");
        drop(second);
        assert!(is_ready(waiting.as_mut()));
        assert_eq!(live.len(), 1);
        drop(other);
        assert!(live.is_empty());
    }

    #[tokio::test]
    async fn a_seat_learns_of_its_cut_even_when_it_asks_late() {
        let live = Live::new();
        let seat = live.enter(());
        live.sweep(|()| Some("revoked"));
        assert_eq!(seat.cut().await, "revoked");
    }
}
