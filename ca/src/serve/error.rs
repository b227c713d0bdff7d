//! Why the CA does not serve.

use std::io;
use std::net::SocketAddr;

use bulkhead_daemon::AdminError;
use bulkhead_identity::tls::OwnIdentityError;
use bulkhead_protocol::feed::signature::KeyError;

use crate::authority::{ControlError, LoadError};
use crate::dice::NoRandomness;
use crate::fanout::PublishError;
use crate::store::{OpenError, StoreError};

/// Why the CA does not serve.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ServeError {
    #[error("the authority cannot be opened")]
    Authority(#[from] LoadError),
    #[error("the records cannot be opened")]
    Records(#[from] OpenError),
    #[error("the CA's own certificate cannot be issued")]
    Control(#[from] ControlError),
    #[error("the CA's own certificate cannot be put on record")]
    Record(#[source] StoreError),
    #[error("the CA's own certificate cannot be shown")]
    Own(#[from] OwnIdentityError),
    #[error("the TLS configuration is not valid")]
    Tls(#[from] rustls::Error),
    #[error("the feed cannot be read from the records")]
    Feed(#[from] PublishError),
    #[error("the key of the feed cannot be used")]
    FeedKey(#[from] KeyError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("the server ended")]
    Serve(#[source] tonic::transport::Error),
}

impl ServeError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Authority(error) => error.hint().map(str::to_owned),
            Self::Records(error) => error.hint().map(str::to_owned),
            Self::Admin(error) => Some(error.hint().to_owned()),
            Self::Bind { .. } => {
                Some("`--listen` must name an address of this host and a port that nobody uses".to_owned())
            }
            _ => None,
        }
    }
}
