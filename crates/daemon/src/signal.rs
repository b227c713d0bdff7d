//! The signals by which a program is told to end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::stop::Stopper;

/// Waits for SIGTERM or SIGINT, then stops every task that listens to `stopper`.
pub async fn stop_on_signal(stopper: &Stopper) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stopper.stop();
    Ok(())
}
