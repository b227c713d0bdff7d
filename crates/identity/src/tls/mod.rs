//! rustls configurations: TLS 1.3 only, a hybrid key exchange first, both sides named by their certificates.
//!
//! One configuration per connection, together with the [`PeerSlot`] in which that connection's verified peer is found
//! after the handshake. Nothing is resumed: from a ticket rustls would restore a client's chain without asking the
//! verifier, and a revoked client would be back. No name is sent or matched: the peer's name is its URI SAN.

mod acceptor;
mod connector;
mod gate;
mod own;
mod slot;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::time_provider::TimeProvider;
use rustls::{SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{IpAddr, Ipv4Addr, ServerName, UnixTime};
use webpki::aws_lc_rs::{ECDSA_P256_SHA256, ECDSA_P384_SHA384};

pub use acceptor::Acceptor;
pub use connector::Connector;
pub use own::{OwnIdentity, OwnIdentityError};
pub use slot::{PeerSlot, SlotError};

use crate::certificate::Limits;
use crate::peer::{ALGORITHMS, Truth};
use crate::{Clock, TrustBundle};

/// Reads what is known of the mesh now; asked once in every handshake.
pub trait CurrentTruth: Debug + Send + Sync {
    /// The newest truth.
    fn truth(&self) -> Arc<Truth>;
}

/// What every handshake of a process holds its peers against.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The trust domain and its roots.
    pub bundle: Arc<TrustBundle>,
    /// Levels, accepted issuers and cutoffs.
    pub truth: Arc<dyn CurrentTruth>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How much of a peer's bytes is looked at.
    pub limits: Limits,
}

/// The server's name to give to rustls, which wants one: it is neither sent nor compared.
pub fn unused_server_name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4])))
}

/// The cryptography of this mesh.
///
/// X25519MLKEM768 first, so that what is recorded today cannot be read by a quantum computer later; AES-GCM only, as
/// ztunnel has it; ECDSA only, since no certificate of ours has another key.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![cipher_suite::TLS13_AES_256_GCM_SHA384, cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1],
        signature_verification_algorithms: SIGNATURES,
        ..aws_lc_rs::default_provider()
    }
}

/// rustls asks the same clock as the verifier.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now().as_millis())))
    }
}

static VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: ALGORITHMS,
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[ECDSA_P256_SHA256]),
        (SignatureScheme::ECDSA_NISTP384_SHA384, &[ECDSA_P384_SHA384]),
    ],
};
