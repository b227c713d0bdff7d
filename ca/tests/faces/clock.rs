//! A clock that stands until the test moves it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bulkhead_mesh::Timestamp;
use tokio::sync::watch;

/// The moment at which every world begins.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_541_812);

/// The clock of the CA and of all who call it.
#[derive(Debug)]
pub(crate) struct TestClock(watch::Sender<Timestamp>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(NOW))
    }

    /// Moves the time forward and wakes whoever waits for it.
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now = now.plus(duration));
    }
}

impl bulkhead_identity::Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }
}

impl bulkhead_daemon::Clock for TestClock {
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            // An error says that the clock is gone, and every wait with it.
            let _ = now.wait_for(|now| *now >= moment).await;
        })
    }
}
