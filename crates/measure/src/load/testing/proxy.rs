//! A server's proxy, with certificates as the bench has them: mutual TLS in front of an application.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::server;
use crate::work::{Cold, Dialect};

/// An authority, and what it has signed.
pub(in crate::load) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: rcgen::Certificate,
    files: TempDir,
}

impl Authority {
    pub(in crate::load) fn new() -> Self {
        let mut claims = CertificateParams::default();
        claims.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = claims.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(claims, key), root, files: tempfile::tempdir().unwrap() }
    }

    /// How a client of this authority speaks to the proxy before this application.
    pub(in crate::load) fn cold(&self, dialect: Dialect, authority: SocketAddr) -> Cold {
        let (certificate, key) = self.leaf("spiffe://bench/client");
        let (identity, roots) = (self.files.path().join("identity.pem"), self.files.path().join("roots.pem"));
        fs::write(&identity, key.serialize_pem() + &certificate.pem()).unwrap();
        fs::write(&roots, self.root.pem()).unwrap();
        Cold { dialect, identity, roots, authority }
    }

    /// A proxy that takes only clients of this authority, and connects them to the application.
    pub(in crate::load) async fn proxy(&self, dialect: Dialect, application: SocketAddr) -> SocketAddr {
        let acceptor = TlsAcceptor::from(Arc::new(self.config(dialect)));
        server(move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(tls) = acceptor.accept(stream).await else { return };
                match dialect {
                    Dialect::Stream => relay(tls, application).await,
                    Dialect::Tunnel => tunnels(tls, application).await,
                }
            }
        })
        .await
    }

    fn config(&self, dialect: Dialect) -> ServerConfig {
        let (certificate, key) = self.leaf("spiffe://bench/server");
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).unwrap();
        let provider = Arc::new(default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = builder.with_client_cert_verifier(clients);
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        if dialect == Dialect::Tunnel {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        config
    }

    fn leaf(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let mut claims = CertificateParams::default();
        claims.subject_alt_names = vec![SanType::URI(name.try_into().unwrap())];
        claims.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (claims.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

async fn relay(mut stream: impl AsyncRead + AsyncWrite + Unpin, application: SocketAddr) {
    let mut behind = TcpStream::connect(application).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut behind).await;
}

async fn tunnels(tls: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, application: SocketAddr) {
    let answer = move |request: Request<Incoming>| async move {
        assert_eq!(request.uri().to_string(), application.to_string());
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            relay(TokioIo::new(upgraded), application).await;
        });
        Ok::<_, hyper::Error>(Response::new(Empty::<Bytes>::new()))
    };
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(tls), service_fn(answer)).await;
}
