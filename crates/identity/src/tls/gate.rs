//! The verifier as rustls calls it, once per connection, on either side.

use std::iter::once;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::slot::Outcome;
use super::{SIGNATURES, Trust};
use crate::peer::{Demand, PeerError, Verifier};

/// Judges the peer of one connection and keeps the outcome.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) trust: Trust,
    pub(super) demand: Arc<Demand>,
    /// Whether a client may come without a certificate. A server never may.
    pub(super) client_may_be_unknown: bool,
    pub(super) outcome: Outcome,
}

impl Gate {
    fn judge(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        let truth = self.trust.truth.truth();
        let Trust { bundle, limits, clock, .. } = &self.trust;
        let verifier = Verifier { bundle, demand: &self.demand, truth: &truth, limits };
        let chain: Vec<_> = once(leaf).chain(rest).map(|shown| CertificateDer::from(shown.as_ref())).collect();
        match verifier.verify(&chain, clock.now()) {
            Ok(peer) => {
                self.outcome.verified(leaf, peer);
                Ok(())
            }
            Err(error) => {
                let alert = alert(&error);
                self.outcome.refused(error);
                Err(alert.into())
            }
        }
    }

    fn check_signature(
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &SIGNATURES)
    }
}

impl ClientCertVerifier for Gate {
    fn client_auth_mandatory(&self) -> bool {
        !self.client_may_be_unknown
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A client has one identity, so a hint would only tell strangers the name of our root.
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(leaf, rest).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}

impl ServerCertVerifier for Gate {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, rest).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}

/// The configurations know no other version, so rustls never asks.
fn no_tls12() -> Error {
    Error::General("a TLS 1.2 signature where only TLS 1.3 is configured".into())
}

/// What the peer is told (RFC 8446, section 6.2): enough to find its fault, nothing about the mesh.
fn alert(error: &PeerError) -> CertificateError {
    match error {
        PeerError::Expired { .. } => CertificateError::Expired,
        PeerError::NotYetValid { .. } => CertificateError::NotValidYet,
        PeerError::Untrusted { .. } | PeerError::IssuerNotAccepted { .. } => CertificateError::UnknownIssuer,
        PeerError::CutOff { .. } => CertificateError::Revoked,
        PeerError::Certificate(_) | PeerError::Leaf(_) => CertificateError::BadEncoding,
        _ => CertificateError::ApplicationVerificationFailure,
    }
}
