//! Who and what can be named in a mesh; every name is parsed once, at the edge, and is valid from then on.

mod digest;
mod node;
mod purpose;
mod spiffe_id;
pub(crate) mod text;
mod trust_domain;

pub use digest::{InstanceId, ParseHexError, Serial, SpkiDigest};
pub use node::{Epoch, NodeEpoch, NodeName, OperatorName, ParseNameError, ServiceName};
pub use purpose::{ControlRole, Purpose, WorkloadName};
pub use spiffe_id::{ParseSpiffeIdError, SpiffeId};
pub use trust_domain::{ParseTrustDomainError, TrustDomain};
