//! The way to the CA: mutual TLS with the operator's key, to whoever proves to be `/control/ca` and to nobody else.

use std::sync::Arc;

use bulkhead_identity::clock::SystemClock;
use bulkhead_identity::tls::{Connector, CurrentTruth, Trust};
use bulkhead_identity::{AcceptedIssuers, Limits, Truth};
use bulkhead_mesh::{CutoffSet, Levels};
use bulkhead_protocol::transport::{ConnectLimits, connect};
use bulkhead_protocol::v1::admin_client::AdminClient;

use super::{Client, ClientError};
use crate::identity::Operator;

impl Client {
    /// Connects to the first of `addresses` that proves to be the CA.
    pub async fn connect(addresses: &[String], operator: Operator) -> Result<Self, ClientError> {
        let trust = Trust {
            bundle: Arc::new(operator.bundle),
            truth: Arc::new(RootAlone::new()),
            clock: Arc::new(SystemClock::default()),
            limits: Limits::default(),
        };
        let connector = Connector::new(Some(&operator.own), trust, &[b"h2"]).map_err(ClientError::Configuration)?;
        let channel = connect(addresses, &connector, ConnectLimits::default()).await?;
        Ok(Self { admin: AdminClient::new(channel) })
    }
}

/// An operator has no feed: what the root has signed counts, within its scope.
#[derive(Debug)]
struct RootAlone(Arc<Truth>);

impl RootAlone {
    fn new() -> Self {
        let (levels, cutoffs) = (Levels::default(), CutoffSet::default());
        Self(Arc::new(Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs }))
    }
}

impl CurrentTruth for RootAlone {
    fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.0)
    }
}
