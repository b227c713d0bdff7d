//! End-to-end tests: real programs, real sockets between network namespaces, a real kernel.

mod issue;
mod join;
