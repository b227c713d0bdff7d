//! Pods with their sidecars, as a real API server takes them.

mod admission;
mod mesh;
mod pod_security;
