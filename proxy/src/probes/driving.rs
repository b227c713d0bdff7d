//! Keeping one question to the application in one future: when that is dropped, nothing of the question goes on.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::Executor;
use tokio::task::JoinSet;

/// Moves the bytes of a connection until `asking` is done, and closes it then.
pub(super) async fn while_driven<T>(connection: impl Future, asking: impl Future<Output = T>) -> T {
    let driving = async {
        // Why it has ended is told to whoever asks over it.
        let _ = connection.await;
        pending::<T>().await
    };
    tokio::select! {
        answer = asking => answer,
        never = driving => never,
    }
}

/// The tasks that hyper wants for a connection of HTTP/2; dropped, it ends them.
#[derive(Debug, Default)]
pub(super) struct Helpers(Spawner);

/// What hyper spawns them with.
#[derive(Clone, Debug, Default)]
pub(super) struct Spawner(Arc<Mutex<JoinSet<()>>>);

impl Helpers {
    /// What spawns more of them.
    pub(super) fn spawner(&self) -> Spawner {
        self.0.clone()
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        // Not left to the end of the set: a task holds a spawner, and so would keep the set and itself.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl<F> Executor<F> for Spawner
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }
}
