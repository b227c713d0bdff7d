//! End-to-end tests: real programs, real sockets between network namespaces, a real kernel.

mod capture;
mod endings;
mod issue;
mod join;
mod pair;
mod restarts;
mod revocation;
mod targets;
mod traffic;
