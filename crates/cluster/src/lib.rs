//! What the CA, the operator's command and the injector share about Kubernetes.
//!
//! [`injection`] is pure: a pod goes in as the API server sent it, and a patch, or the reason why there is none, comes out.

pub mod injection;
pub mod names;
