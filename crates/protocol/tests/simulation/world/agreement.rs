//! What must be true when the faults have ended and everybody had time.

use std::time::Duration;

use bulkhead_protocol::feed::Moment;
use bulkhead_protocol::feed::log::Subscription;
use bulkhead_protocol::feed::subscriber::Lookup;

use super::{STARTED, WATCHERS, World};

impl World {
    pub(super) fn check_agreement(&mut self) {
        let head = Some(self.authority.log.head());
        for (index, watcher) in self.watchers.iter().enumerate() {
            let position = watcher.subscriber.held().position();
            assert_eq!(position, head, "watcher {index} does not hold the head");
            let session = watcher.link.and_then(|link| self.authority.sessions.get(&link));
            let subscription = session.and_then(|session| session.subscription.as_ref());
            let acknowledged = subscription.and_then(Subscription::acknowledged);
            assert_eq!(acknowledged, head, "watcher {index} has not acknowledged the head on its last stream");
            let now = Moment { wall: STARTED, boot: self.now };
            assert!(watcher.subscriber.staleness(now) < Duration::from_secs(4), "watcher {index} is stale");
        }
        self.check_addresses();
    }

    /// What is known of each address is what stands there.
    fn check_addresses(&mut self) {
        for index in 0..WATCHERS {
            let now = self.moment(index);
            for last in 0..12 {
                let address = [10, 77, 0, last].into();
                let known = self.watchers[index].knows(address);
                let found = self.watchers[index].subscriber.lookup(address, Lookup::Cached, now);
                if let Some(found) = found.filter(|_| known) {
                    assert_eq!(*found, self.authority.stands(address).1, "watcher {index} has an old {address}");
                }
            }
        }
    }
}
