//! A clock that stands still until a test moves it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bulkhead_daemon::Clock;
use bulkhead_mesh::Timestamp;
use tokio::sync::watch;

#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    pub fn at(moment: Timestamp) -> Self {
        Self(watch::Sender::new(moment))
    }

    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now = now.plus(duration));
    }

    pub fn set(&self, moment: Timestamp) {
        self.0.send_replace(moment);
    }
}

impl bulkhead_identity::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }
}

impl Clock for ManualClock {
    fn until(&self, moment: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= moment).await.unwrap();
        })
    }
}
