//! What the CA, the operator's command and the injector share about Kubernetes.
//!
//! [`injection`] is pure: a pod goes in as the API server sent it, and a patch, or the reason why there is none, comes out.
//! So are [`bindings`], [`clearance`], [`tokens`] and [`pods`]; [`api`] alone speaks to an API server.

pub mod api;
pub mod bindings;
pub mod clearance;
pub mod injection;
pub mod names;
pub mod pod_name;
pub mod pods;
pub mod tokens;
pub mod uid;

pub use api::{ApiError, ConfigText, ConnectError, KubernetesApi, NodeFacts};
pub use bindings::{Bindings, BindingsError};
pub use pod_name::PodName;
pub use pods::{Liveness, PodFacts};
pub use tokens::{ReviewedToken, TokenRefusal};
pub use uid::Uid;
