//! Who this workload is: a client of the SPIFFE Workload API on the agent's Unix socket.
//!
//! The certificate, its key and the roots come from there and stay in memory; nothing of them is written to a disk. The
//! agent keeps them, so a proxy that restarts while the CA is down has them back at once. While the agent is away the
//! last certificate serves until it ends; from then on there is none, and nothing passes.

mod own;

pub use own::{Own, OwnError, Svid};
