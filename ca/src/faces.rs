//! The gRPC services: each turns a message into the types of the mesh, calls one function, and turns the answer back.

pub mod admin;
mod attestation;
mod directory;
mod feed;
mod issuance;
mod join;

use std::future::Future;

use bulkhead_daemon::chain;
use bulkhead_protocol::transport::ConnectedPeer;
use bulkhead_protocol::v1;
use tonic::{Request, Response, Status};

pub use attestation::AttestationFace;
pub use directory::DirectoryFace;
pub use feed::FeedFace;
pub use issuance::IssuanceFace;
pub use join::JoinFace;

use crate::ca::Ca;
use crate::caller::NotAllowed;
use crate::denied::Denied;
use crate::metrics::{Call, Outcome};
use crate::sign::Certificate;

/// Waits for a call, counts how it ended, logs what failed, and answers.
async fn answer<T>(ca: &Ca, call: Call, work: impl Future<Output = Result<T, Denied>>) -> Result<Response<T>, Status> {
    let ended = work.await;
    ca.metrics.called(call, outcome(&ended));
    ended.map(Response::new).map_err(|denied| {
        if denied.is_refusal() {
            tracing::info!(?call, reason = chain(&denied), "refused");
        } else {
            tracing::error!(?call, error = chain(&denied), "failed");
        }
        Status::from(denied)
    })
}

fn outcome<T>(ended: &Result<T, Denied>) -> Outcome {
    match ended {
        Ok(_) => Outcome::Done,
        Err(denied) if denied.is_refusal() => Outcome::Refused,
        Err(_) => Outcome::Failed,
    }
}

/// Whoever has a certificate has come in already: none of them has a reason to be at a door for strangers.
fn refuse_certificates<T>(request: &Request<T>) -> Result<(), NotAllowed> {
    let peer = request.extensions().get::<ConnectedPeer>().and_then(|connected| connected.peer.as_ref());
    match peer {
        Some(peer) => Err(NotAllowed::HasCertificate { id: peer.id().clone() }),
        None => Ok(()),
    }
}

/// A certificate as it leaves, with the roots that it leads to.
fn certificate_reply(ca: &Ca, certificate: &Certificate) -> v1::CertificateReply {
    let chain = certificate.chain().into_iter().map(|link| link.to_vec()).collect();
    let roots = ca.authority.bundle().roots().iter().map(|root| root.to_vec()).collect();
    v1::CertificateReply { chain, roots }
}
