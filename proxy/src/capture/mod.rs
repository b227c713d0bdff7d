//! Bringing the workload's connections to the proxy.
