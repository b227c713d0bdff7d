//! How much memory one connection's task takes, its sockets' buffers not included. Ten thousand of them may be open, so
//! each number is a decision: a change that makes one greater is made knowingly, and writes the new one here.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::copy::{Counts, copy};
use crate::inbound::Inbound;
use crate::live::Seat;
use crate::outbound::Outbound;
use crate::plain::copy_plain;
use crate::subject::{Cut, Subject};
use crate::tunnel::H2Stream;

#[test]
fn each_direction_takes_the_memory_that_was_decided() {
    check(&[
        ("outbound, whichever way", 1920, of_3(Outbound::captured)),
        ("inbound, in a tunnel", 1728, of_4(Inbound::connection)),
        ("inbound, in clear", 1496, of_3(Inbound::captured)),
        ("a tunnel from a peer, whatever it carries", 8960, of_4(Inbound::tunnel)),
    ]);
}

#[test]
fn what_moves_the_bytes_takes_the_memory_that_was_decided() {
    check(&[
        ("a stream of a tunnel", 72, size_of::<H2Stream>()),
        ("copy through a tunnel, both directions", 904, of_4(through_a_tunnel)),
        ("copy in clear, both directions", 968, of_4(in_clear)),
    ]);
}

fn through_a_tunnel(app: TcpStream, stream: H2Stream, counts: Arc<Counts>, seat: &'static Place) -> impl Future {
    copy(app, stream, counts, seat.cut())
}

fn in_clear(client: TcpStream, server: TcpStream, counts: Arc<Counts>, seat: &'static Place) -> impl Future {
    copy_plain(client, server, counts, seat.cut())
}

/// What each was measured to take, and what it takes now: no byte more, and not so much less (5 %) that the number would
/// say nothing any longer. No equation, for another compiler or processor may lay a future out a little tighter.
fn check(all: &[(&str, usize, usize)]) {
    let holds = |measured: usize, size: usize| (measured - measured / 20..=measured).contains(&size);
    let wrong: Vec<_> = all.iter().filter(|(_, measured, size)| !holds(*measured, *size)).collect();
    assert!(wrong.is_empty(), "(what, bytes as decided, bytes now): {wrong:#?}");
}

/// Not called: only the type of what it returns is looked at.
fn of_3<A, B, C, F: Future>(_: impl FnOnce(A, B, C) -> F) -> usize {
    size_of::<F>()
}

/// The same with four arguments.
fn of_4<A, B, C, D, F: Future>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

type Place = Seat<Subject, Cut>;
