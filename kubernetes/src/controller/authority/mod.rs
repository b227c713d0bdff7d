//! The CA, as the directory source speaks to it: whoever answers must prove to be the CA before a byte is sent.

mod attest;
mod error;
mod files;
mod identity;

use std::sync::Arc;

use bulkhead_daemon::SharedClock;
use bulkhead_identity::peer::{AcceptedIssuers, Demand, Truth};
use bulkhead_identity::tls::{Connector, CurrentTruth, OwnIdentity, Trust};
use bulkhead_identity::{Limits, TrustBundle, Verifier};
use bulkhead_mesh::{ControlRole, CutoffSet, Levels};
use bulkhead_protocol::transport::{ConnectLimits, connect};
use tonic::transport::Channel;

pub use error::CaError;
pub use files::{FileError, Files};
pub use identity::{Identities, Identity};

/// How the CA is reached, and by what it is known.
#[derive(Clone, Debug)]
pub struct Authority {
    addresses: Arc<[String]>,
    files: Files,
    clock: SharedClock,
}

impl Authority {
    /// The CA at these addresses, `host:port`.
    pub fn new(addresses: Vec<String>, files: Files, clock: SharedClock) -> Self {
        Self { addresses: addresses.into(), files, clock }
    }

    /// Opens a connection, as nobody or as whoever this is. The roots are read anew each time, since they may change.
    pub async fn connect(&self, own: Option<&OwnIdentity>) -> Result<Channel, CaError> {
        let trust = Trust {
            bundle: Arc::new(self.files.roots()?),
            truth: Arc::new(BelowRoot(Arc::new(below_root()))),
            clock: Arc::clone(&self.clock) as _,
            limits: Limits::default(),
        };
        let connector = Connector::new(own, trust, &[b"h2"]).map_err(CaError::Configuration)?;
        Ok(connect(&self.addresses, &connector, ConnectLimits::default()).await?)
    }

    /// Whether a chain is the directory source's, as the CA will check it; until when it is valid.
    fn check(&self, own: &OwnIdentity, bundle: &TrustBundle) -> Result<bulkhead_mesh::Timestamp, CaError> {
        let (demand, truth, limits) = (Demand::control(ControlRole::Directory), below_root(), Limits::default());
        let verifier = Verifier { bundle, demand: &demand, truth: &truth, limits: &limits };
        let source = verifier.verify(own.chain(), self.clock.now()).map_err(CaError::NotTheSource)?;
        Ok(source.not_after())
    }
}

/// What is known of the mesh without its feed: whichever issuer the root has signed.
#[derive(Debug)]
struct BelowRoot(Arc<Truth>);

impl CurrentTruth for BelowRoot {
    fn truth(&self) -> Arc<Truth> {
        Arc::clone(&self.0)
    }
}

fn below_root() -> Truth {
    Truth { levels: Levels::default(), issuers: AcceptedIssuers::AnyBelowRoot, cutoffs: CutoffSet::default() }
}
