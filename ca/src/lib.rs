//! The node-identity CA: admits nodes, issues and revokes certificates, and tells the proxies what is true.

pub mod audit;
pub mod authority;
pub mod csr;
pub mod draft;
pub mod init;
pub mod lint;
pub mod seal;
pub mod sign;
pub mod store;
