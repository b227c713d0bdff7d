//! Pods with their sidecars, as a real API server takes them, and what their tokens are worth to the CA.

mod admission;
mod mesh;
mod pod_security;
mod pods;
mod tokens;
