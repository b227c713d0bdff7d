//! Cuts and their healing.

use std::io::Write;
use std::net::TcpStream;

use bulkhead_lab::{Host, LabError};

use crate::{DEADLINE, WATCHED, arrives, lab, listen, talk};

#[test]
fn a_cut_drops_in_silence_and_healing_lets_the_rest_through() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let (mut client, server) = talk(&one, &two);
    let cuts: [(&str, Cut); 3] =
        [("sender", |one, _| one.cut()), ("receiver", |_, two| two.cut()), ("pair", |one, two| two.cut_from(one))];
    for (what, cut) in cuts {
        cut(&one, &two).unwrap();
        client.write_all(b"late").unwrap();
        assert!(!arrives(&server, b"late", WATCHED), "cut of the {what}");
        assert!(server.take_error().unwrap().is_none() && client.take_error().unwrap().is_none());
        one.heal().unwrap();
        two.heal().unwrap();
        assert!(arrives(&server, b"late", DEADLINE), "after the cut of the {what}");
    }
}

type Cut = fn(&Host, &Host) -> Result<(), LabError>;

#[test]
fn hosts_that_are_cut_from_each_other_reach_a_third() {
    let lab = lab();
    let (one, two, three) = (lab.host("one").unwrap(), lab.host("two").unwrap(), lab.host("three").unwrap());
    one.cut_from(&two).unwrap();
    talk(&one, &three);
    talk(&two, &three);
    let listener = listen(&two, two.ipv4(), 80);
    let to = listener.local_addr().unwrap();
    let lost = one.inside(|| TcpStream::connect_timeout(&to, WATCHED)).unwrap();
    assert_eq!(lost.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
}
