//! Handshakes in memory, between our configurations and a peer that follows no rule of ours.

use std::sync::{Arc, Mutex};

use bulkhead_identity::tls::{
    Acceptor, Connector, CurrentTruth, OwnIdentity, PeerSlot, SlotError, Trust, unused_server_name,
};
use bulkhead_identity::{Clock, Demand, Limits, PeerError, PrivateKey, Truth, VerifiedPeer};
use bulkhead_mesh::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, Error, HandshakeKind, NamedGroup,
    ServerConfig, ServerConnection, SignatureScheme, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::{Mesh, NOW, Shown};

/// One truth, which a test may replace.
#[derive(Debug)]
pub struct Known(pub Mutex<Arc<Truth>>);

impl CurrentTruth for Known {
    fn truth(&self) -> Arc<Truth> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug)]
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// What a process of this mesh believes at `now`.
pub fn trust_at(mesh: &Mesh, truth: Truth, now: Timestamp) -> Trust {
    Trust {
        bundle: Arc::new(mesh.bundle()),
        truth: Arc::new(Known(Mutex::new(Arc::new(truth)))),
        clock: Arc::new(Stopped(now)),
        limits: Limits::default(),
    }
}

pub fn trust(mesh: &Mesh) -> Trust {
    trust_at(mesh, mesh.truth(), NOW)
}

impl Shown {
    pub fn own(&self) -> OwnIdentity {
        OwnIdentity::new(self.chain.clone(), &PrivateKey::from_pkcs8(self.pkcs8.clone()).unwrap()).unwrap()
    }

    /// The same without the checks that our own constructor makes.
    fn unchecked(&self) -> Arc<SingleCertAndKey> {
        let key = aws_lc_rs::sign::any_ecdsa_type(&PrivatePkcs8KeyDer::from(self.pkcs8.clone()).into()).unwrap();
        Arc::new(CertifiedKey::new(self.chain.clone(), key).into())
    }
}

/// How a handshake ended on both sides.
pub struct Met {
    pub client: ClientConnection,
    pub server: ServerConnection,
    /// The error of the side that failed first.
    pub error: Option<Error>,
}

impl Met {
    pub fn between(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Self {
        let client = ClientConnection::new(client, unused_server_name()).unwrap();
        let mut met = Self { client, server: ServerConnection::new(server).unwrap(), error: None };
        while met.error.is_none() && (met.client.wants_write() || met.server.wants_write()) {
            met.error = met.exchange().err();
        }
        met
    }

    pub fn group(&self) -> NamedGroup {
        self.client.negotiated_key_exchange_group().unwrap().name()
    }

    pub fn kind(&self) -> HandshakeKind {
        assert_eq!(self.client.handshake_kind(), self.server.handshake_kind());
        self.server.handshake_kind().unwrap()
    }

    fn exchange(&mut self) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.client.write_tls(&mut bytes).unwrap();
        read(&mut bytes.as_slice(), |from| {
            self.server.read_tls(from).unwrap();
            self.server.process_new_packets().map(drop)
        })?;
        bytes.clear();
        self.server.write_tls(&mut bytes).unwrap();
        read(&mut bytes.as_slice(), |from| {
            self.client.read_tls(from).unwrap();
            self.client.process_new_packets().map(drop)
        })
    }
}

fn read(from: &mut &[u8], mut step: impl FnMut(&mut &[u8]) -> Result<(), Error>) -> Result<(), Error> {
    while !from.is_empty() {
        step(from)?;
    }
    Ok(())
}

/// Why both a server and a client of this mesh refuse the peer that shows this.
pub fn refusal(trust: &Trust, own: &Shown, shown: &Shown, demand: &Demand) -> PeerError {
    let (error, slot) = refused_as_client(trust, own, Some(shown), demand);
    let as_client = slot.refusal().unwrap_or_else(|| panic!("the server has not refused it: {error:?}"));
    let connector = Connector::new(Some(&own.own()), trust.clone(), &[b"h2"]).unwrap();
    let (config, slot) = connector.begin(demand.clone());
    let met = Met::between(config, raw_server(shown, &rustls::version::TLS13));
    assert!(met.error.is_some() && met.client.is_handshaking());
    let as_server = slot.refusal().unwrap_or_else(|| panic!("the client has not refused it: {:?}", met.error));
    assert_eq!(slot.take(&met.client), Err(SlotError::Handshaking));
    assert_eq!(as_client, as_server);
    as_client
}

/// How a server of this mesh refuses this client.
pub fn refused_as_client(trust: &Trust, own: &Shown, shown: Option<&Shown>, demand: &Demand) -> (Error, PeerSlot) {
    let acceptor = Acceptor::new(&own.own(), trust.clone(), demand.clone(), &[b"h2"]).unwrap();
    let (config, slot) = acceptor.begin();
    let met = Met::between(raw_client(shown, &rustls::version::TLS13), config);
    assert!(met.server.is_handshaking());
    (met.error.unwrap(), slot)
}

/// What a server of this mesh learns of this client.
pub fn accepted(trust: &Trust, own: &Shown, shown: &Shown, demand: &Demand) -> VerifiedPeer {
    let acceptor = Acceptor::new(&own.own(), trust.clone(), demand.clone(), &[b"h2"]).unwrap();
    let (config, slot) = acceptor.begin();
    let met = Met::between(raw_client(Some(shown), &rustls::version::TLS13), config);
    assert_eq!(met.error, None);
    slot.take(&met.server).unwrap()
}

/// A client that believes everything and shows this.
pub fn raw_client(shown: Option<&Shown>, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(any_provider()).with_protocol_versions(&[version]).unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match shown {
        Some(shown) => builder.with_client_cert_resolver(shown.unchecked()),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// A server that believes everything, shows this, and hands out tickets.
pub fn raw_server(shown: &Shown, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(any_provider()).with_protocol_versions(&[version]).unwrap();
    let mut config = builder.with_client_cert_verifier(Arc::new(Credulous)).with_cert_resolver(shown.unchecked());
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

fn any_provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Believes everything.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
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
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &any_provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        any_provider().signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Credulous {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
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
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
