//! The side that accepts connections.

use std::sync::Arc;

use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use super::gate::Gate;
use super::slot::{Outcome, PeerSlot};
use super::{ClockTime, OwnIdentity, Trust, VERSIONS, provider};
use crate::peer::Demand;

/// Makes the configuration of each accepted connection.
#[derive(Clone, Debug)]
pub struct Acceptor {
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    own: Arc<SingleCertAndKey>,
    trust: Trust,
    demand: Arc<Demand>,
    alpn: Vec<Vec<u8>>,
    client_may_be_unknown: bool,
}

impl Acceptor {
    /// Shows `own` and demands `demand` of every client; one of the protocols `alpn` must be agreed on, if any.
    pub fn new(own: &OwnIdentity, trust: Trust, demand: Demand, alpn: &[&[u8]]) -> Result<Self, rustls::Error> {
        let time = Arc::new(ClockTime(trust.clock.clone()));
        let builder = ServerConfig::builder_with_details(Arc::new(provider()), time);
        Ok(Self {
            builder: builder.with_protocol_versions(VERSIONS)?,
            own: own.resolver(),
            trust,
            demand: Arc::new(demand),
            alpn: alpn.iter().map(|protocol| protocol.to_vec()).collect(),
            client_may_be_unknown: false,
        })
    }

    /// Lets clients in that show no certificate at all; a wrong one is refused as ever.
    ///
    /// For the CA's port, where a node that joins has none yet.
    #[must_use]
    pub fn with_unknown_clients(mut self) -> Self {
        self.client_may_be_unknown = true;
        self
    }

    /// The configuration of the next connection, and where its peer will be found.
    pub fn begin(&self) -> (Arc<ServerConfig>, PeerSlot) {
        let outcome = Outcome::default();
        let gate = Gate {
            trust: self.trust.clone(),
            demand: self.demand.clone(),
            client_may_be_unknown: self.client_may_be_unknown,
            outcome: outcome.clone(),
        };
        let builder = self.builder.clone().with_client_cert_verifier(Arc::new(gate));
        let mut config = builder.with_cert_resolver(self.own.clone());
        config.alpn_protocols.clone_from(&self.alpn);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        (Arc::new(config), PeerSlot::new(outcome, self.alpn.clone()))
    }
}
