//! How much memory a connection's task takes, its sockets' buffers not included: ten thousand of them may be open.

use std::future::Future;

use crate::inbound::Inbound;
use crate::outbound::Outbound;

#[test]
fn a_connection_takes_little_memory() {
    assert_at_most("outbound", 1800, size_of_future(Outbound::carry));
    assert_at_most("inbound, in a tunnel", 1800, size_of_future(Inbound::connection));
    assert_at_most("inbound, in clear", 1400, size_of_future(Inbound::plain));
}

fn assert_at_most(what: &str, limit: usize, size: usize) {
    assert!(size <= limit, "{what}: {size} bytes; the limit is {limit}");
}

fn size_of_future<A, B, C, D, F: Future>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}
