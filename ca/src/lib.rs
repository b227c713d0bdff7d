//! The node-identity CA: admits nodes, issues and revokes certificates, and tells the proxies what is true.

pub mod admission;
pub mod audit;
pub mod authority;
pub mod begin;
pub mod ca;
pub mod caller;
pub mod csr;
pub mod denied;
pub mod dice;
pub mod draft;
pub mod evidence;
pub mod faces;
pub mod fanout;
pub mod init;
pub mod issuance;
pub mod lint;
pub mod metrics;
pub mod policy;
pub mod policy_file;
pub mod receipt;
pub mod registry;
pub mod revocation;
pub mod seal;
pub mod serve;
pub mod sign;
pub mod store;
