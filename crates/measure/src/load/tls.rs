//! TLS to a server's proxy: as a client proxy of the bench would speak it, but that it resumes nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::error::LoadError;
use crate::work::{Cold, Dialect};

/// TLS 1.3 with AES-256, which every server takes, also Envoy's, though its own client and it agree on AES-128; the
/// client's certificate shown, no resumption, and no name sent.
pub(super) fn config(cold: &Cold) -> Result<Arc<ClientConfig>, LoadError> {
    let provider = Arc::new(provider());
    let chain: Vec<CertificateDer<'static>> =
        read(&cold.identity, |text| CertificateDer::pem_slice_iter(text).collect())?;
    let key = read(&cold.identity, PrivateKeyDer::from_pem_slice)?;
    let roots = roots(&cold.roots)?;
    let unusable = |source| LoadError::Tls { path: cold.identity.clone(), source };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).map_err(unusable)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { roots, provider }));
    let mut config = builder.with_client_auth_cert(chain, key).map_err(unusable)?;
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.alpn_protocols = match cold.dialect {
        Dialect::Stream => Vec::new(),
        Dialect::Tunnel => vec![b"h2".to_vec()],
    };
    Ok(Arc::new(config))
}

/// Rustls sends the share of X25519 along with that of X25519MLKEM768, so that no server has to ask again.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519],
        ..default_provider()
    }
}

fn roots(path: &Path) -> Result<RootCertStore, LoadError> {
    let certificates: Vec<CertificateDer<'static>> = read(path, |text| CertificateDer::pem_slice_iter(text).collect())?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|source| LoadError::Tls { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, pem::Error>) -> Result<T, LoadError> {
    let text = fs::read(path).map_err(pem::Error::Io);
    text.and_then(|text| parse(&text)).map_err(|source| LoadError::Pem { path: path.to_owned(), source })
}

/// Verifies the server's chain, for any name: the names of workloads are URIs, which rustls does not look for, and whom it
/// reaches is not what the bench is about.
#[derive(Debug)]
struct AnyName {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
