//! A registration's socket while the registration lasts, and what is cleared away after it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{Stop, chain};
use bulkhead_protocol::convert::Registration;
use tokio::sync::watch;
use tracing::{error, info};

use crate::host::Host;
use crate::offer::Offer;
use crate::sockets::Owner;
use crate::workload_api::WorkloadApi;

/// Keeps the socket open. One that cannot be bound is tried again: the reason may be a user that is not there yet.
pub(super) async fn serve(host: Arc<Host>, registration: Registration, offers: watch::Receiver<Offer>, stop: Stop) {
    let (id, owner) = (registration.id, Owner { uid: registration.uid, gid: registration.gid });
    while !stop.is_stopped() {
        match host.sockets.bind(registration.id, owner) {
            Ok(listener) => {
                let (limits, clock, metrics) = (host.limits, host.clock.clone(), host.metrics.clone());
                let api = WorkloadApi { owner, offers: offers.clone(), limits, clock, metrics };
                info!(registration = %id, workload = %registration.workload, uid = owner.uid, gid = owner.gid, "serving");
                if let Err(problem) = api.serve(listener, stop.clone()).await {
                    error!(registration = %id, problem = chain(&problem), "a workload's socket has failed");
                }
            }
            Err(problem) => {
                let (hint, problem) = (problem.hint(), chain(&problem));
                error!(registration = %id, problem, hint, "a workload has no socket");
            }
        }
        tokio::select! {
            () = stop.stopped() => return,
            () = tokio::time::sleep(BIND_AGAIN) => {}
        }
    }
}

/// Removes what a registration leaves behind.
pub(super) fn clear_away(host: &Host, registration: &Registration) {
    if let Err(problem) = host.sockets.remove(registration.id) {
        error!(problem = chain(&problem), "a removed registration's socket is still there");
    }
    if let Err(problem) = host.state.forget_workload(registration.id) {
        error!(problem = chain(&problem), "a removed registration's key is still there");
    }
    info!(registration = %registration.id, workload = %registration.workload, "registration removed");
}

const BIND_AGAIN: Duration = Duration::from_secs(5);
