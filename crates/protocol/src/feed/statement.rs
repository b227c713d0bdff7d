//! What facts and addresses say, once their signatures were checked.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_mesh::{Cutoff, Policy, Resolution, SpkiDigest};

use super::Incarnation;

/// What one fact of the mesh says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// This is the policy from here on.
    Policy(Arc<Policy>),
    /// These are all the intermediates whose signatures count from here on.
    Issuers(Arc<BTreeSet<SpkiDigest>>),
    /// This is cut off as well.
    Cutoff(Cutoff),
}

/// What the directory says about one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressAnswer {
    /// The history in which it was said.
    pub incarnation: Incarnation,
    /// The address.
    pub address: IpAddr,
    /// Rises with each change at this address within a history.
    pub version: u64,
    /// What stands there. A service says its own address, which must be the same.
    pub resolution: Resolution,
}
