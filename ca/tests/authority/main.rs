//! An authority as `init` founds it: what lies on the disk, and who accepts what it signs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod disk;
mod existing_root;
mod foreign_readers;
mod leaves;
mod support;
