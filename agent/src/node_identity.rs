//! Who this node is: its membership, its key and its chain, as every part of the agent sees them now.
//!
//! There is one writer of `node.pem` and `mesh.json` while the agent runs, and it is here: what is seen is on the disk.

use std::path::PathBuf;
use std::sync::Arc;

use bulkhead_identity::TrustBundle;
use bulkhead_identity::bundle::BundleError;
use bulkhead_identity::peer::PeerError;
use bulkhead_identity::tls::{OwnIdentity, OwnIdentityError};
use bulkhead_mesh::{SpiffeId, Timestamp};
use rustls_pki_types::CertificateDer;
use tokio::sync::watch;

use crate::certified::{Certified, CertifiedError};
use crate::first_contact::check_node_chain;
use crate::state::{Membership, StateDirectory, StateError};

/// One generation of the node's identity.
#[derive(Clone, Debug)]
pub struct NodeIdentity {
    /// To which mesh it belongs.
    pub membership: Membership,
    /// Its key and chain.
    pub certified: Certified,
}

impl NodeIdentity {
    /// What the node shows of itself to the CA.
    pub fn own(&self) -> Result<OwnIdentity, OwnIdentityError> {
        OwnIdentity::new(self.certified.chain().to_vec(), self.certified.key())
    }

    /// The last moment at which its certificate is valid.
    pub fn not_after(&self) -> Timestamp {
        self.certified.leaf().not_after
    }

    /// The ID of a purpose in this node's trust domain.
    pub fn id(&self) -> &SpiffeId {
        &self.certified.leaf().id
    }
}

/// The node's identity through its generations.
#[derive(Debug)]
pub struct NodeIdentities {
    state: Arc<StateDirectory>,
    current: watch::Sender<Arc<NodeIdentity>>,
}

impl NodeIdentities {
    /// Reads what a join has left; the CA's addresses may be overruled for this run.
    pub fn open(state: Arc<StateDirectory>, ca_addresses: Option<Vec<String>>) -> Result<Self, IdentityError> {
        let not_joined = || IdentityError::NotJoined { state: state.path().to_path_buf() };
        let kept = state.node()?.ok_or_else(not_joined)?;
        let mut membership = state.membership()?.ok_or_else(not_joined)?;
        let id = membership.id().expect("a node's name and a trust domain that were parsed make a SPIFFE ID");
        membership.ca_addresses = ca_addresses.unwrap_or(membership.ca_addresses);
        let certified = Certified::new(kept, &id)?;
        let current = watch::Sender::new(Arc::new(NodeIdentity { membership, certified }));
        Ok(Self { state, current })
    }

    /// The newest generation.
    pub fn current(&self) -> Arc<NodeIdentity> {
        Arc::clone(&self.current.borrow())
    }

    /// Follows the generations.
    pub fn subscribe(&self) -> watch::Receiver<Arc<NodeIdentity>> {
        self.current.subscribe()
    }

    /// Keeps a renewed certificate, then shows it.
    pub fn renew(&self, certified: Certified) -> Result<(), StateError> {
        self.state.keep_node(certified.identity())?;
        let membership = self.current().membership.clone();
        self.current.send_replace(Arc::new(NodeIdentity { membership, certified }));
        Ok(())
    }

    /// Keeps the roots that an answer of the CA named, when they are new and vouch for this node too: roots that do not
    /// would shut the node out of its own mesh.
    pub fn adopt_roots(&self, roots: Vec<CertificateDer<'static>>, now: Timestamp) -> Result<(), IdentityError> {
        let current = self.current();
        let known = &current.membership.bundle;
        if known.roots() == roots {
            return Ok(());
        }
        let bundle = TrustBundle::new(known.trust_domain().clone(), roots).map_err(IdentityError::Roots)?;
        check_node_chain(current.certified.chain(), &bundle, now).map_err(IdentityError::Chain)?;
        let membership = Membership { bundle, ..current.membership.clone() };
        self.state.keep_membership(&membership)?;
        self.current.send_replace(Arc::new(NodeIdentity { membership, certified: current.certified.clone() }));
        Ok(())
    }
}

/// Why the node has no identity, or not a new one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum IdentityError {
    #[error("this node has not joined a mesh: {state} holds no identity", state = .state.display())]
    NotJoined { state: PathBuf },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the node's certificate is of no use")]
    Certified(#[from] CertifiedError),
    #[error("the roots that the CA named are no trust bundle")]
    Roots(#[source] BundleError),
    #[error("the roots that the CA named do not vouch for this node's certificate")]
    Chain(#[source] PeerError),
}

impl IdentityError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotJoined { .. } => Some(
                "create a token with `bulkhead token create`, then run `bulkhead-agent join --token-file FILE`".into(),
            ),
            Self::State(error) => error.hint(),
            Self::Certified(_) => Some("join again with a new token".into()),
            Self::Roots(_) | Self::Chain(_) => None,
        }
    }
}
