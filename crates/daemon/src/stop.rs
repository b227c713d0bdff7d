//! How a task learns that it is to end: the owner holds a [`Stopper`], every task a [`Stop`].

use tokio::sync::watch;

/// Ends every task that holds one of its [`Stop`]s, when told to or when dropped.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// A task's ear for its end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A stopper and the first of its ears.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Ends the tasks.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until the task is to end.
    pub async fn stopped(&self) {
        // An error says that the owner is gone, which is an end as well.
        let _ = self.0.clone().wait_for(|stopped| *stopped).await;
    }

    /// Whether the task is to end.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
