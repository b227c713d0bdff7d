//! What must be true when the faults have ended and everybody had time.

use std::time::Duration;

use bulkhead_mesh::Resolution;
use bulkhead_protocol::feed::Moment;
use bulkhead_protocol::feed::subscriber::Lookup;

use super::{STARTED, WATCHERS, World};

impl World {
    pub(super) fn check_agreement(&mut self) {
        let head = self.authority.log.head();
        for (index, watcher) in self.watchers.iter().enumerate() {
            let position = watcher.subscriber.held().position();
            assert_eq!(position, Some(head), "watcher {index} does not hold the head");
            assert_eq!(self.authority.acknowledged.get(&index), Some(&head), "watcher {index} has not acknowledged");
            let now = Moment { wall: STARTED, boot: self.now };
            assert!(watcher.subscriber.staleness(now) < Duration::from_secs(4), "watcher {index} is stale");
            for (address, resolution) in watcher.resolved() {
                let said = self.record.addresses.iter();
                let genuine = said.filter(|((at, ..), _)| at == address).any(|(_, said)| said == resolution);
                assert!(genuine || *resolution == Resolution::Unknown, "forged: {address}");
            }
        }
        self.check_addresses();
    }

    /// What is known of each address is what stands there.
    pub(super) fn check_addresses(&mut self) {
        for index in 0..WATCHERS {
            let now = self.moment(index);
            for last in 0..12 {
                let address = [10, 77, 0, last].into();
                let known = self.watchers[index].resolved().contains_key(&address);
                let found = self.watchers[index].subscriber.lookup(address, Lookup::Cached, now);
                if let Some(found) = found.filter(|_| known) {
                    assert_eq!(*found, self.authority.stands(address).1, "watcher {index} has an old {address}");
                }
            }
        }
    }
}
