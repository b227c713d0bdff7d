//! The contract between the CA, the agents and the proxies.

pub mod attestation;
pub mod convert;
pub mod feed;
pub mod jitter;
pub mod join_token;
pub mod renewal;
pub mod retry;
pub mod transport;

/// `bulkhead.v1`, as generated.
#[allow(missing_docs, unreachable_pub, clippy::pedantic, clippy::all, unused_qualifications, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("bulkhead.v1");
}

/// The SPIFFE Workload API, as generated.
#[allow(missing_docs, unreachable_pub, clippy::pedantic, clippy::all, unused_qualifications, reason = "generated")]
pub mod workload_api {
    tonic::include_proto!("_");
}
