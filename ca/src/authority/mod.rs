//! The authority in memory: its two unsealed intermediates and the keys of its own roles. The root is not among them.

mod issuer;
mod issuing_key;
mod key;
pub mod layout;
mod load;

use std::fmt;
use std::time::Duration;

use bulkhead_identity::keys::{KeyError, PrivateKey, StoredIdentity};
use bulkhead_identity::{AcceptedIssuers, TrustBundle};
use bulkhead_mesh::{ControlRole, Levels, Serial, Timestamp, TrustDomain};
use bulkhead_protocol::feed::FeedSigner;
use bulkhead_protocol::feed::signature::KeyError as SignerError;

pub use issuer::IssuerError;
pub(crate) use issuer::{IssuerFacts, Station, inspect, is_signed_by};
pub use issuing_key::{Control, Issuing, IssuingKey, IssuingKeyError, Scope, Terms};
pub use key::P256Key;
pub use load::{LoadError, first_operator};

use crate::csr::RequestedKey;
use crate::draft::{Draft, DraftError};
use crate::lint::{LintError, lint};
use crate::sign::{Certificate, SignError, sign};

/// What `serve` signs with.
pub struct Authority {
    bundle: TrustBundle,
    issuing: IssuingKey<Issuing>,
    control: IssuingKey<Control>,
    ca: PrivateKey,
    feed: PrivateKey,
}

/// A certificate of the authority itself, fresh from the control intermediate.
#[derive(Clone, Debug)]
pub struct ControlLeaf {
    /// The certificate, to be put on record.
    pub certificate: Certificate,
    /// The certificate's chain with its key, to be served or signed with.
    pub identity: StoredIdentity,
}

impl Authority {
    /// The trust domain that it issues for.
    pub fn trust_domain(&self) -> &TrustDomain {
        self.bundle.trust_domain()
    }

    /// The trust domain and its root.
    pub fn bundle(&self) -> &TrustBundle {
        &self.bundle
    }

    /// What signs workloads and nodes.
    pub fn issuing(&self) -> &IssuingKey<Issuing> {
        &self.issuing
    }

    /// What signs operators and the authority's own roles.
    pub fn control(&self) -> &IssuingKey<Control> {
        &self.control
    }

    /// The issuers that the mesh is to accept: these two.
    pub fn issuers(&self) -> AcceptedIssuers {
        [self.issuing.digest(), self.control.digest()].into_iter().collect()
    }

    /// Issues the certificate of one of the authority's own roles. `serve` does so when it starts, and again before
    /// the last one ends; `serial` must be random, and the key stays the same.
    pub fn control_leaf(&self, role: ControlRole, serial: Serial, now: Timestamp) -> Result<ControlLeaf, ControlError> {
        let key = self.role_key(role)?.clone();
        let terms = self.control.terms(serial, now, CONTROL_LIFETIME);
        let public = RequestedKey::of_own(&P256Key::new(&key)?);
        let draft = Draft::control(self.trust_domain(), role, public, terms)?;
        // A control leaf has no label, so any levels will do.
        let certificate = sign(lint(draft, &self.control, &Levels::default())?, &self.control)?;
        let chain = certificate.chain();
        Ok(ControlLeaf { certificate, identity: StoredIdentity { key, chain } })
    }

    /// What signs the facts of the feed.
    pub fn feed_signer(&self) -> Result<FeedSigner, SignerError> {
        FeedSigner::from_pkcs8(self.feed.as_pkcs8())
    }

    fn role_key(&self, role: ControlRole) -> Result<&PrivateKey, ControlError> {
        match role {
            ControlRole::Ca => Ok(&self.ca),
            ControlRole::Feed => Ok(&self.feed),
            ControlRole::Directory => Err(ControlError::NotHere { role: role.as_str() }),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({}, {:?}, {:?})", self.trust_domain(), self.issuing, self.control)
    }
}

/// How long a certificate of the authority itself lives: short, since `serve` renews it without anybody's help.
pub const CONTROL_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Why the authority has no certificate for one of its own roles.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ControlError {
    #[error("this process does not hold the key of `/control/{role}`")]
    NotHere { role: &'static str },
    #[error("the key of the role cannot be used")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Lint(#[from] LintError),
    #[error(transparent)]
    Sign(#[from] SignError),
}
