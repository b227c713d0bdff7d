//! What is shown to whoever opens a connection, replaced while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bulkhead_mesh::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use super::generation::Generation;

/// The certificate that is shown; none until its CA has been published.
#[derive(Debug, Default)]
pub(crate) struct Served(ArcSwapOption<Shown>);

#[derive(Debug)]
struct Shown {
    certified: Arc<CertifiedKey>,
    not_after: Timestamp,
    trusted: bool,
}

impl Served {
    /// TLS 1.3 alone, whoever asks: the API server speaks it, and shows no certificate.
    pub(crate) fn tls(self: &Arc<Self>, provider: Arc<CryptoProvider>) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13])?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        // The API server speaks HTTP/1.1 to webhooks, so that its questions are spread over the replicas.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed connection would go on with a certificate that has been replaced.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }

    /// Shows this one from the next connection on. `trusted` says whether the API server accepts it.
    pub(super) fn show(&self, generation: &Generation, trusted: bool) {
        let Generation { term, certified, .. } = generation;
        let shown = Shown { certified: Arc::clone(certified), not_after: term.not_after, trusted };
        self.0.store(Some(Arc::new(shown)));
    }

    /// What is missing before the API server accepts it.
    pub(crate) fn not_ready(&self, now: Timestamp) -> Option<&'static str> {
        match &*self.0.load() {
            None => Some("there is no certificate yet whose CA stands in the webhook configuration"),
            Some(shown) if shown.not_after <= now => Some("the certificate has ended"),
            Some(shown) if !shown.trusted => Some("the certificate's CA does not stand in the webhook configuration"),
            Some(_) => None,
        }
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().as_ref().map(|shown| Arc::clone(&shown.certified))
    }
}
