//! The side that opens connections.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};

use super::gate::Gate;
use super::slot::{Outcome, PeerSlot};
use super::{ClockTime, OwnIdentity, Trust, VERSIONS, provider};
use crate::peer::Demand;

/// Makes the configuration of each opened connection.
#[derive(Clone, Debug)]
pub struct Connector {
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    own: Option<Arc<SingleCertAndKey>>,
    trust: Trust,
    alpn: Vec<Vec<u8>>,
}

impl Connector {
    /// Shows `own`, or nothing when there is none yet; one of the protocols `alpn` must be agreed on, if any.
    pub fn new(own: Option<&OwnIdentity>, trust: Trust, alpn: &[&[u8]]) -> Result<Self, rustls::Error> {
        let time = Arc::new(ClockTime(trust.clock.clone()));
        let builder = ClientConfig::builder_with_details(Arc::new(provider()), time);
        Ok(Self {
            builder: builder.with_protocol_versions(VERSIONS)?,
            own: own.map(OwnIdentity::resolver),
            trust,
            alpn: alpn.iter().map(|protocol| protocol.to_vec()).collect(),
        })
    }

    /// The configuration of the next connection, to a server of which `demand` is demanded, and where it will be found.
    pub fn begin(&self, demand: Demand) -> (Arc<ClientConfig>, PeerSlot) {
        let outcome = Outcome::default();
        let gate = Gate {
            trust: self.trust.clone(),
            demand: Arc::new(demand),
            client_may_be_unknown: false,
            outcome: outcome.clone(),
        };
        // Nothing dangerous in it: the gate checks more than rustls would, all but the server's DNS name.
        let builder = self.builder.clone().dangerous().with_custom_certificate_verifier(Arc::new(gate));
        let mut config = match &self.own {
            Some(own) => builder.with_client_cert_resolver(own.clone()),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        (Arc::new(config), PeerSlot::new(outcome, self.alpn.clone()))
    }
}
