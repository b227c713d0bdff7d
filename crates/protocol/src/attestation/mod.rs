//! How a pod proves who it is: a token of its cluster, and the roots under which the CA must prove itself first.
//!
//! Both are files that somebody else renews, so both are read afresh at each attempt. The agent and the sidecar do the
//! same here; what the answer must be is for each of them to say.

mod call;
mod roots;
mod token;

pub use call::{Answer, AttestError, attest};
pub use roots::{RootsError, RootsFile};
pub use token::{PodToken, PodTokenError, TokenFile};
