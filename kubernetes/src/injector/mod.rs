//! `bulkhead-kubernetes injector`: answers the API server's question what becomes of a new pod.
//!
//! A question comes in by [`server`] and [`intake`], is read by [`review`], decided by [`verdict`] (pure) with what
//! [`namespaces`] knows of the pod's namespace, and told by [`events`] where somebody may miss the sidecar. [`certificate`] is
//! by what the API server knows this program.

mod args;
mod certificate;
mod config;
mod desk;
mod error;
mod events;
mod intake;
mod metrics;
mod namespaces;
mod review;
mod run;
mod server;
mod values;
mod verdict;

#[cfg(test)]
mod testing;

use bulkhead_daemon::Stop;

pub use args::Args;
pub use error::InjectorError;

/// Runs until stopped.
pub async fn run(args: Args, stop: Stop) -> Result<(), InjectorError> {
    run::Injector::open(args.try_into()?).await?.run(stop).await
}
