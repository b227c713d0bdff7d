//! `bulkhead-kubernetes controller`: tells the CA what stands where in the cluster ([`directory`]), puts the mesh's roots
//! where pods need them ([`trust`]), and finds pods that should have a sidecar and have none ([`uninjected`]).
//!
//! The watches ([`watching`]) feed one picture of the cluster ([`cluster`]), from which the three of them read.

mod args;
pub mod authority;
pub mod board;
pub mod cluster;
mod dice;
pub mod directory;
mod error;
pub mod metrics;
mod retry;
mod run;
pub mod seen;
pub mod shared;
pub mod trust;
pub mod uninjected;
mod watching;

use std::sync::Arc;

use bulkhead_daemon::{Stop, SystemClock};

pub use args::Args;
pub use error::ControllerError;
pub use run::{Config, Controller};

/// Runs until stopped.
pub async fn run(args: Args, stop: Stop) -> Result<(), ControllerError> {
    let ended = start(args, stop).await;
    if let Err(hint) = ended.as_ref().map_err(ControllerError::hint) {
        tracing::error!(hint, "the controller cannot run");
    }
    ended
}

async fn start(args: Args, stop: Stop) -> Result<(), ControllerError> {
    let cluster = run::cluster().await?;
    Controller::open(args.into(), cluster, Arc::new(SystemClock::default())).await?.run(stop).await
}
