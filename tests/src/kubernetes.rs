//! A real Kubernetes API server with its etcd, on loopback, for tests. There are no nodes: pods are admitted, not run.

mod authority;
mod certificates;
mod kubectl;
mod server;
mod tools;

pub use authority::Authority;
pub use kubectl::Said;
pub use server::ApiServer;
