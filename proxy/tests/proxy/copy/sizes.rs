//! What one connection costs in memory, so that a change of it is a decision.

use std::future::pending;
use std::sync::Arc;

use bulkhead_proxy::copy::{Counts, copy};
use bulkhead_proxy::tunnel::H2Stream;
use tokio::net::TcpStream;

#[test]
fn a_stream_and_its_copy_take_less_than_600_bytes() {
    let future = size_of_result(|app: TcpStream, stream: H2Stream, counts: Arc<Counts>| {
        copy(app, stream, counts, pending::<()>())
    });
    println!("stream {}, copy {future}", size_of::<H2Stream>());
    assert!(size_of::<H2Stream>() <= 96);
    assert!(future <= 576, "a copy takes {future} bytes");
}

/// Not called: only its type is looked at.
fn size_of_result<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) -> usize {
    size_of::<F>()
}
