//! Who calls: a verified certificate, still on record and its holder still served, as a type that a handler demands.
//!
//! A `Caller<R>` is made here and nowhere else, by the layer in front of a face ([`layer`]). A handler that takes one can
//! not be reached by anybody else.

pub mod class;
pub mod layer;
mod roles;

use bulkhead_identity::peer::PeerError;
use bulkhead_mesh::{NodeEpoch, Serial, SpiffeId};
use tonic::{Request, Status};

pub use class::{By, Loosening, Ordinary, Reading, Tightening};
pub use layer::CallerLayer;
pub use roles::{DirectorySource, Node, Operator, RenewingNode, Role, Watcher};

use crate::store::StoreError;

/// Somebody in the role `R`.
#[derive(Clone, Debug)]
pub struct Caller<R>(R);

impl<R> Caller<R> {
    /// What is known of the caller.
    pub fn role(&self) -> &R {
        &self.0
    }
}

impl<R: Role> Caller<R> {
    /// Takes the caller that the layer found.
    ///
    /// A face that was mounted without its layer answers nobody.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let missing = || Status::internal("this face was mounted without the layer that tells who calls");
        request.extensions().get::<Self>().cloned().ok_or_else(missing)
    }
}

/// Why a caller may not do what it asked for.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum NotAllowed {
    #[error("this call needs a certificate, and the caller showed none")]
    NoCertificate,
    #[error("`{id}` has a certificate, and this call takes no certificate")]
    HasCertificate { id: SpiffeId },
    #[error("`{id}` is not {wanted}")]
    WrongPurpose { id: SpiffeId, wanted: &'static str },
    #[error("the certificate {serial} of `{id}` is not on record: this CA did not issue it")]
    NotOnRecord { id: SpiffeId, serial: Serial },
    #[error("the certificate of `{id}` is not accepted any more")]
    Void { id: SpiffeId, source: Box<PeerError> },
    #[error("the certificate of node `{life}` has ended: it may renew, and nothing else")]
    Late { life: NodeEpoch },
    #[error("the certificate of `{id}` is bound to no node")]
    Unbound { id: SpiffeId },
    #[error("instance of `{id}` on `{node}` is not registered any more")]
    Gone { id: SpiffeId, node: NodeEpoch },
    #[error("`{id}` is no operator of this mesh any more")]
    NoOperator { id: SpiffeId },
    #[error("`{id}` has the role {has}; this call is {class} and needs the role {needs}")]
    Role { id: SpiffeId, has: &'static str, class: &'static str, needs: &'static str },
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl NotAllowed {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoCertificate => Some("only Join and Attest take a caller without a certificate"),
            Self::NoOperator { .. } | Self::Role { .. } => Some("ask an operator of role `owner`"),
            Self::Store(refusal) => refusal.hint(),
            _ => None,
        }
    }
}
