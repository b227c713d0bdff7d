//! Capture beside a table of somebody else that translates addresses too.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use bulkhead_lab::Host;

use crate::support::DEADLINE;
use crate::support::captured::{APPLICATION, StandIn, Street, greeter};

#[test]
fn another_tables_translation_is_not_a_way_around_capture_whichever_is_loaded_first() {
    for ours_first in [true, false] {
        let (street, _proxy) = with_both(ours_first, -100);
        let own = street.workload.ipv4();
        assert_eq!(street.call(APPLICATION, SERVICE, 80), format!("out {SERVICE}:80"), "ours first: {ours_first}");
        assert_eq!(street.call_in(own, 30080), format!("in {own}:30080"), "ours first: {ours_first}");
    }
}

/// A chain in front of ours translates before ours is asked; then nothing passes. Whether the caller hears of it depends on
/// whose address the reset bears.
#[test]
fn what_another_table_translated_before_ours_could_does_not_pass() {
    for ours_first in [true, false] {
        let (street, _proxy) = with_both(ours_first, -150);
        let heard = [
            street.call(APPLICATION, SERVICE, 80),
            street.call(APPLICATION, SERVICE, 81),
            street.call_in(street.workload.ipv4(), 30080),
        ];
        let nothing = |heard: &String| ["ConnectionRefused", "TimedOut"].contains(&heard.as_str());
        assert!(heard.iter().all(nothing), "ours first: {ours_first}: {heard:?}");
    }
}

#[test]
fn a_translated_connection_from_before_capture_does_not_go_on() {
    for outbound in [true, false] {
        let street = Street::new();
        load(&street, -100);
        let (here, there) = (&street.workload, &street.neighbour);
        let (from, to) = if outbound { (here, there) } else { (there, here) };
        let named =
            if outbound { SocketAddr::new(SERVICE.into(), 80) } else { SocketAddr::new(to.ipv4().into(), 30080) };
        let listener = to.inside(|| TcpListener::bind("0.0.0.0:8080").unwrap()).unwrap();
        let mut near = from.inside(|| TcpStream::connect(named).unwrap()).unwrap();
        let mut far = listener.accept().unwrap().0;
        near.write_all(b"before").unwrap();
        far.read_exact(&mut [0; 6]).unwrap();
        street.install();
        near.set_read_timeout(Some(DEADLINE)).unwrap();
        let ended = near.write_all(b"after").and_then(|()| near.read(&mut [0]).map(drop));
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset, "outbound: {outbound}");
        far.set_nonblocking(true).unwrap();
        assert_eq!(far.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "not a byte arrived");
    }
}

/// A workload whose application and neighbour would be heard in clear, if a translation led there.
fn with_both(ours_first: bool, priority: i32) -> (Street, StandIn) {
    let street = Street::new();
    let proxy = StandIn::start(&street.workload);
    greeter(&street.neighbour, 8080, "in clear");
    greeter(&street.neighbour, 15001, "in clear");
    greeter(&street.workload, 8080, "in clear");
    if ours_first {
        street.install();
    }
    load(&street, priority);
    if !ours_first {
        street.install();
    }
    (street, proxy)
}

/// A service of the neighbour, by an address that nobody has, and a published port of the workload.
fn load(street: &Street, priority: i32) {
    let (own, there) = (street.workload.ipv4(), street.neighbour.ipv4());
    let rules = format!(
        "table ip other {{
           chain out {{
             type nat hook output priority {priority};
             ip daddr {SERVICE} tcp dport 80 dnat to {there}:8080
             ip daddr {SERVICE} tcp dport 81 dnat to {there}:15001
           }}
           chain in {{ type nat hook prerouting priority {priority}; tcp dport 30080 dnat to {own}:8080; }}
         }}"
    );
    nft(&street.workload, &rules);
}

fn nft(host: &Host, rules: &str) {
    host.command("nft").args(["-f", "-"]).stdin(rules).run(DEADLINE).unwrap().success("nft").unwrap();
}

const SERVICE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
