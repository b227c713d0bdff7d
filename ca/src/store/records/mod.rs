//! What the store keeps, as types: read back through the parsers of their names, so that no bare text leaves a table.

mod certificate;
mod cluster;
mod fact;
mod node;
mod operator;
mod registration;
mod service;
mod token;
pub(crate) mod words;

pub use certificate::CertificateRecord;
pub use cluster::{ClusterServiceRecord, DirectoryChange, PodRecord};
pub use fact::{FactKind, FactRecord, PolicyRecord, Position, SignedBody};
pub use node::{Admission, Clearance, NodeOrder, NodeRecord, NodeState, Presented};
pub use operator::{OperatorRecord, Role};
pub use registration::{AddressOwner, RegistrationRecord, RegistrationState, Source};
pub use service::{PortTarget, ServiceRecord};
pub use token::{Taken, TokenHash, TokenRecord};
