//! Ending a tunnel from outside, and learning how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::Closed;

/// A handle on a tunnel's life; clones are the same tunnel. It does not keep the tunnel alive.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Read by every stream at every step, so that none delivers another byte once the tunnel is cut.
    cut: AtomicBool,
    phase: watch::Sender<Phase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Up,
    Draining,
    Cut,
    Closed(Closed),
}

impl Control {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared { cut: AtomicBool::new(false), phase: watch::Sender::new(Phase::Up) }))
    }

    /// Ends the tunnel and all its streams at once, abruptly. Not one byte is delivered after this call.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.advance(Phase::Cut);
    }

    /// Takes no new streams, lets those that are open end, then closes.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Waits until the tunnel has ended.
    pub async fn closed(&self) -> Closed {
        let mut phases = self.0.phase.subscribe();
        let phase = phases.wait_for(|phase| matches!(phase, Phase::Closed(_))).await;
        match phase.as_deref() {
            Ok(Phase::Closed(closed)) => *closed,
            // The sender lives in `self`, and the predicate lets nothing else through.
            _ => Closed::Abandoned,
        }
    }

    /// How the tunnel ended, if it has.
    pub fn ended(&self) -> Option<Closed> {
        match *self.0.phase.borrow() {
            Phase::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }

    pub(super) fn takes_streams(&self) -> bool {
        *self.0.phase.borrow() == Phase::Up
    }

    pub(super) fn ended_in_order(&self) -> bool {
        self.ended() == Some(Closed::Finished)
    }

    pub(super) async fn until_cut(&self) {
        self.until(|phase| phase == Phase::Cut).await;
    }

    pub(super) async fn until_draining(&self) {
        self.until(|phase| phase != Phase::Up).await;
    }

    pub(super) fn close(&self, closed: Closed) -> Closed {
        self.advance(Phase::Closed(closed));
        closed
    }

    async fn until(&self, reached: impl Fn(Phase) -> bool) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.phase.subscribe().wait_for(|phase| reached(*phase)).await;
    }

    /// Phases only move forwards: a tunnel that was cut is not draining, and the first verdict on its end stays.
    fn advance(&self, next: Phase) {
        self.0.phase.send_if_modified(|phase| {
            let moves = phase.rank() < next.rank();
            if moves {
                *phase = next;
            }
            moves
        });
    }
}

impl Phase {
    fn rank(self) -> u8 {
        match self {
            Self::Up => 0,
            Self::Draining => 1,
            Self::Cut => 2,
            Self::Closed(_) => 3,
        }
    }
}

/// Held by whoever drives a tunnel: dropped before a verdict, it is the verdict.
pub(super) struct Driving(pub(super) Control);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.close(Closed::Abandoned);
    }
}
