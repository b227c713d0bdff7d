//! The CA as its callers meet it: real connections, real certificates, a clock that the test sets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method path is tied to one lifetime of the snapshot; the store asks for every one"
)]

mod addresses;
mod admin;
mod attest;
mod clock;
mod cluster;
mod counted;
mod directory;
mod doors;
mod ends;
mod feed;
mod issue;
mod join;
mod large;
mod limits;
mod people;
mod receipt;
mod registry;
mod renew;
mod revoke;
mod serving;
mod shares;
mod story;
mod strangers;
mod watcher;
mod world;
