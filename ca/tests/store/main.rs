//! The store on a real database: what it keeps, what it refuses, and what survives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method path is tied to one lifetime of the snapshot; the store asks for every one"
)]

mod audit;
mod certificates;
mod cluster;
mod crash;
mod facts;
mod nodes;
mod opening;
mod operators;
mod registrations;
mod scene;
mod services;
mod tokens;
mod writing;
