//! Pods with their sidecars, as a real API server takes them.

mod admission;
mod chart;
mod hand_over;
mod mesh;
mod pod_security;
