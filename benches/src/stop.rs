//! The wish for an end: the first Ctrl-C or SIGTERM lets the bench end in order, the second one ends it at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether somebody wants an end; a clone is the same wish.
#[derive(Clone, Default)]
pub struct Stop(Arc<Wish>);

#[derive(Default)]
struct Wish {
    wanted: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// A wish that SIGINT and SIGTERM make.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let (name, wish) = ("signals".to_owned(), stop.clone());
        thread::Builder::new().name(name).spawn(move || runtime.block_on(listen(interrupt, terminate, wish)))?;
        Ok(stop)
    }

    /// Somebody wants an end.
    pub fn want(&self) {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Whether somebody does.
    pub fn is_wanted(&self) -> bool {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until somebody wants an end; says whether nobody did.
    pub fn wait(&self, time: Duration) -> bool {
        let wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.0.changed.wait_timeout_while(wanted, time, |wanted| !*wanted);
        !*ended.unwrap_or_else(PoisonError::into_inner).0
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, wish: Stop) {
    loop {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        if wish.is_wanted() {
            // As a shell says that SIGINT ended a program. What runs in the lab ends with its anchors, whose pipes close.
            std::process::exit(130);
        }
        wish.want();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_hears_of_the_wish() {
        let stop = Stop::default();
        assert!(stop.wait(Duration::ZERO));
        let waiter = thread::spawn({
            let stop = stop.clone();
            move || stop.wait(Duration::from_hours(1))
        });
        stop.want();
        assert!(!waiter.join().unwrap() && stop.is_wanted());
    }
}
