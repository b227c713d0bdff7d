//! The node-identity CA: admits nodes, issues and revokes certificates, and tells the proxies what is true.

pub mod audit;
pub mod csr;
pub mod seal;
pub mod store;
