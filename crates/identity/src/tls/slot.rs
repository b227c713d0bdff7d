//! Where the verified peer of one connection is found after its handshake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::CommonState;
use rustls_pki_types::CertificateDer;

use crate::peer::{PeerError, VerifiedPeer};

/// The peer of one connection, once its handshake is over.
#[derive(Debug)]
pub struct PeerSlot {
    outcome: Outcome,
    alpn: Vec<Vec<u8>>,
}

/// What the verifier has said, shared between it and the slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    NothingShown,
    Verified {
        leaf: CertificateDer<'static>,
        peer: Box<VerifiedPeer>,
    },
    Refused(PeerError),
}

impl PeerSlot {
    pub(super) fn new(outcome: Outcome, alpn: Vec<Vec<u8>>) -> Self {
        Self { outcome, alpn }
    }

    /// The peer of this connection, which must be the slot's own and past its handshake.
    ///
    /// Only then has the peer proved that it holds the key: the verifier sees the chain before the signature.
    pub fn take(self, connection: &CommonState) -> Result<VerifiedPeer, SlotError> {
        self.take_if_shown(connection)?.ok_or(SlotError::Refused(PeerError::NoCertificate))
    }

    /// The same where a peer may come without a certificate: `None` then.
    pub fn take_if_shown(self, connection: &CommonState) -> Result<Option<VerifiedPeer>, SlotError> {
        if connection.is_handshaking() {
            return Err(SlotError::Handshaking);
        }
        self.check_protocol(connection)?;
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        match (std::mem::take(&mut *self.outcome.lock()), shown) {
            (State::NothingShown, None) => Ok(None),
            (State::Verified { leaf, peer }, Some(shown)) if leaf == *shown => Ok(Some(*peer)),
            (State::Refused(error), _) => Err(SlotError::Refused(error)),
            _ => Err(SlotError::AnotherConnection),
        }
    }

    /// Why the peer was refused, when the handshake has failed for that: the alert on the wire says little.
    pub fn refusal(&self) -> Option<PeerError> {
        match &*self.outcome.lock() {
            State::Refused(error) => Some(error.clone()),
            _ => None,
        }
    }

    /// rustls lets a peer pass that does not speak ALPN at all.
    fn check_protocol(&self, connection: &CommonState) -> Result<(), SlotError> {
        match connection.alpn_protocol() {
            _ if self.alpn.is_empty() => Ok(()),
            Some(agreed) if self.alpn.iter().any(|offered| offered == agreed) => Ok(()),
            _ => Err(SlotError::Protocol),
        }
    }
}

impl Outcome {
    pub(super) fn verified(&self, leaf: &CertificateDer<'_>, peer: VerifiedPeer) {
        *self.lock() = State::Verified { leaf: leaf.clone().into_owned(), peer: Box::new(peer) };
    }

    pub(super) fn refused(&self, error: PeerError) {
        *self.lock() = State::Refused(error);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each state is written as a whole, so one left behind by a panic elsewhere is whole too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a connection has no peer to speak of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum SlotError {
    #[error("the handshake is not over")]
    Handshaking,
    #[error("the slot belongs to another connection")]
    AnotherConnection,
    #[error("the peer has not agreed on a protocol (ALPN, RFC 7301)")]
    Protocol,
    #[error("the peer is refused")]
    Refused(#[source] PeerError),
}
