//! Who enforces what: the acknowledgements of every instance, and how many streams each has open.
//!
//! An instance counts as enforcing a position when every stream that it has open has acknowledged it, and at least one
//! has. A proxy that acknowledged and then went away still enforces: it keeps its cutoffs on its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_mesh::{InstanceId, Timestamp};
use bulkhead_protocol::feed::Position;
use tokio::sync::watch;

/// The acknowledgements of all instances.
#[derive(Clone, Debug, Default)]
pub struct Acknowledgements(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Table {
    next_stream: u64,
    instances: BTreeMap<InstanceId, Instance>,
}

#[derive(Debug, Default)]
struct Instance {
    /// Each open stream, and up to where it has acknowledged.
    streams: BTreeMap<u64, Option<Position>>,
    /// The last acknowledgements, oldest first, of all streams that the instance ever had.
    history: Vec<Acknowledgement>,
}

/// One acknowledgement, as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Up to where.
    pub position: Position,
    /// The CA's time when it arrived.
    pub at: Timestamp,
    /// Connections that were closed for it.
    pub connections_closed: u64,
}

/// One open stream of an instance; it does not count any more once this is dropped.
#[derive(Debug)]
pub struct OpenStream {
    shared: Arc<Shared>,
    instance: InstanceId,
    stream: u64,
}

impl Acknowledgements {
    /// Enters a stream of an instance, which has acknowledged nothing yet.
    pub fn enter(&self, instance: InstanceId) -> OpenStream {
        let mut table = self.0.lock();
        let stream = table.next_stream;
        table.next_stream += 1;
        table.instances.entry(instance).or_default().streams.insert(stream, None);
        drop(table);
        self.0.wake();
        OpenStream { shared: Arc::clone(&self.0), instance, stream }
    }

    /// The acknowledgement by which this instance enforces `position`, if it does.
    pub fn enforced(&self, instance: InstanceId, position: Position) -> Option<Acknowledgement> {
        let table = self.0.lock();
        let known = table.instances.get(&instance)?;
        let all = known.streams.values().all(|reached| reached.is_some_and(|reached| reached >= position));
        known.history.iter().find(|said| said.position >= position).filter(|_| all).copied()
    }

    /// Whether this instance has a stream open.
    pub fn is_connected(&self, instance: InstanceId) -> bool {
        self.0.lock().instances.get(&instance).is_some_and(|known| !known.streams.is_empty())
    }

    /// How many streams are open.
    pub fn streams(&self) -> usize {
        self.0.lock().instances.values().map(|known| known.streams.len()).sum()
    }

    /// Forgets the instances that live no more, except those that still have a stream open. How many.
    pub fn retain(&self, living: &BTreeSet<InstanceId>) -> usize {
        let instances = &mut self.0.lock().instances;
        let before = instances.len();
        instances.retain(|instance, known| living.contains(instance) || !known.streams.is_empty());
        before - instances.len()
    }

    /// Wakes at each acknowledgement, and when a stream comes or goes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

impl OpenStream {
    /// Notes what the stream said.
    pub fn acknowledge(&self, said: Acknowledgement) {
        let mut table = self.shared.lock();
        if let Some(known) = table.instances.get_mut(&self.instance) {
            known.streams.insert(self.stream, Some(said.position));
            known.history.push(said);
            let surplus = known.history.len().saturating_sub(HISTORY);
            known.history.drain(..surplus);
        }
        drop(table);
        self.shared.wake();
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        if let Some(known) = self.shared.lock().instances.get_mut(&self.instance) {
            known.streams.remove(&self.stream);
        }
        self.shared.wake();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        // Every change is one insertion or removal, so a panic elsewhere leaves nothing half done.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// As many acknowledgements as a receipt may have to look back over.
const HISTORY: usize = 64;

#[cfg(test)]
mod tests {
    use bulkhead_protocol::feed::Incarnation;

    use super::*;

    const ONE: InstanceId = InstanceId::from_bytes([1; 16]);

    fn at(n: u64) -> Position {
        Position { incarnation: Incarnation::new(7), n }
    }

    fn said(n: u64, millis: u64) -> Acknowledgement {
        Acknowledgement { position: at(n), at: Timestamp::from_millis(millis), connections_closed: n }
    }

    #[test]
    fn an_instance_enforces_only_what_all_its_streams_have_acknowledged() {
        let all = Acknowledgements::default();
        let (first, second) = (all.enter(ONE), all.enter(ONE));
        first.acknowledge(said(5, 10));
        assert_eq!(all.enforced(ONE, at(5)), None, "the second stream has said nothing");
        second.acknowledge(said(5, 12));
        assert_eq!(all.enforced(ONE, at(5)), Some(said(5, 10)));
        assert_eq!(all.enforced(ONE, at(6)), None);
    }

    #[test]
    fn one_that_acknowledged_and_went_away_still_enforces() {
        let all = Acknowledgements::default();
        let stream = all.enter(ONE);
        stream.acknowledge(said(5, 10));
        drop(stream);
        assert_eq!(all.enforced(ONE, at(5)), Some(said(5, 10)));
        assert!(!all.is_connected(ONE));
    }

    #[test]
    fn one_that_was_never_heard_does_not_enforce() {
        let all = Acknowledgements::default();
        assert_eq!(all.enforced(ONE, at(0)), None);
        drop(all.enter(ONE));
        assert_eq!(all.enforced(ONE, at(0)), None);
    }

    #[test]
    fn only_those_that_live_or_listen_are_remembered() {
        let two = InstanceId::from_bytes([2; 16]);
        let three = InstanceId::from_bytes([3; 16]);
        let all = Acknowledgements::default();
        all.enter(ONE).acknowledge(said(5, 10));
        all.enter(two).acknowledge(said(5, 10));
        let listening = all.enter(three);
        assert_eq!(all.retain(&BTreeSet::from([ONE])), 1);
        assert_eq!(all.enforced(ONE, at(5)), Some(said(5, 10)));
        assert_eq!(all.enforced(two, at(5)), None);
        assert!(all.is_connected(three));
        drop(listening);
        assert_eq!(all.retain(&BTreeSet::from([ONE])), 1);
    }

    #[test]
    fn a_later_acknowledgement_covers_an_earlier_position() {
        let all = Acknowledgements::default();
        let stream = all.enter(ONE);
        stream.acknowledge(said(9, 10));
        assert_eq!(all.enforced(ONE, at(5)), Some(said(9, 10)));
    }
}
