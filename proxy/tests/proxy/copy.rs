//! Connections between two applications through two proxies.

mod bytes;
mod cuts;
mod endings;
mod stalls;
