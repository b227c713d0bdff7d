//! A real Kubernetes API server with its etcd, on loopback, for tests. There are no nodes: pods are admitted, not run.

mod authority;
mod certificates;
mod helm;
mod kubectl;
mod server;
mod tools;

pub use authority::Authority;
pub use helm::Helm;
pub use kubectl::Said;
pub use server::ApiServer;
