//! DANGER: TLS that believes any certificate whatever, and TLS 1.2. Only a probe with the scheme HTTPS is asked by it.
//!
//! The kubelet does not verify an application's certificate either (it has no trust anchor for one, and asks an
//! address), and an application's port may speak no TLS 1.3. Nothing is lost by it: the connection goes from the proxy
//! to its own workload and leaves neither the network namespace nor the kernel ([`crate::socket::connect_here`]),
//! nothing secret of the proxy goes over it, and what comes back is believed as far as a probe in clear is. No peer of
//! the mesh is ever spoken to by it: those are verified in `bulkhead_identity` alone.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::Complaint;

/// A configuration in which every server is believed.
pub(super) fn any_certificate() -> Arc<ClientConfig> {
    let provider = aws_lc_rs::default_provider();
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[&TLS13, &TLS12]);
    let builder = builder.expect("the provider has suites of both versions").dangerous();
    let verifier = Arc::new(DangerAnyCertificate { schemes });
    let mut config = builder.with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Arc::new(config)
}

/// Speaks TLS to the application, whoever it says that it is.
pub(super) async fn encrypt(
    danger_any_certificate: &Arc<ClientConfig>,
    at: SocketAddr,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Complaint> {
    let connector = TlsConnector::from(Arc::clone(danger_any_certificate));
    connector.connect(ServerName::from(at.ip()), stream).await.map_err(Complaint::Tls)
}

/// Believes every certificate, and does not look at the signature that would prove its key: an application's may be of
/// a form that is not read here, and that it is who it says would prove nothing.
#[derive(Debug)]
struct DangerAnyCertificate {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for DangerAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
