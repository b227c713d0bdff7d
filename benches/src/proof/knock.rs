//! A TLS client at the door of the server's proxy.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bulkhead_lab::Host;
use bulkhead_measure::work::{Cold, Dialect};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::arms::SIDECAR;

/// What the proxy did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It, or the application behind it, sent something through TLS.
    Data,
    /// It closed, with or without saying why.
    Refused(String),
    /// It did nothing.
    Silence,
}

/// Connects from this pod to a server's proxy, says something in the dialect that it expects, and waits for an answer.
/// `identity` is what the client shows, if anything.
pub(super) fn knock(pod: &Host, proxy: SocketAddr, cold: &Cold, identity: Option<&PathBuf>) -> Result<Answer> {
    let config = Arc::new(configuration(cold, identity.map(PathBuf::as_path))?);
    let name = ServerName::IpAddress(proxy.ip().into());
    let connection = ClientConnection::new(config, name)?;
    let answer = pod.inside(|| {
        // The thread ends with this, and so does what it pretends: what is not the proxy's user would be captured.
        setfsgid(Gid::from_raw(SIDECAR));
        setfsuid(Uid::from_raw(SIDECAR));
        talk(connection, proxy, cold.dialect)
    })?;
    Ok(answer.unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Answer::Silence,
        _ => Answer::Refused(error.to_string()),
    }))
}

fn talk(connection: ClientConnection, proxy: SocketAddr, dialect: Dialect) -> io::Result<Answer> {
    let socket = TcpStream::connect_timeout(&proxy, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut tls = StreamOwned::new(connection, socket);
    tls.write_all(match dialect {
        Dialect::Stream => REQUEST,
        Dialect::Tunnel => PREFACE,
    })?;
    match tls.read(&mut [0; 1024])? {
        0 => Ok(Answer::Refused("closed".to_owned())),
        _ => Ok(Answer::Data),
    }
}

fn configuration(cold: &Cold, identity: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for root in certificates(&cold.roots)? {
        roots.add(root)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)));
    let mut config = match identity {
        Some(path) => builder.with_client_auth_cert(certificates(path)?, key(path)?)?,
        None => builder.with_no_client_auth(),
    };
    if cold.dialect == Dialect::Tunnel {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.with_context(|| format!("cannot read certificates from {}", path.display()))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).with_context(|| format!("cannot read a key from {}", path.display()))
}

/// Demands the right chain and takes any name: whose proxy it is, its address says.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is compared last (webpki), so this error says that all else is well.
        match self.0.verify_server_cert(leaf, chain, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
/// RFC 9113, section 3.4: the preface and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PATIENCE: Duration = Duration::from_secs(5);
