//! Capture in real network namespaces, with real accounts.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use bulkhead_proxy::capture::check::CanaryError;
use bulkhead_proxy::capture::install::{self, CaptureError};
use bulkhead_proxy::capture::{CaptureConfig, Exclusions, Namespace, Ports, Whose, ruleset};
use bulkhead_proxy::socket::{Listener, Reach};

use socket2::{Domain, Protocol, Socket, Type};

use crate::support::DEADLINE;
use crate::support::captured::{APPLICATION, PROXY, StandIn, Street, answer_a_call, block_on, config, greeter};

/// The other half of [`Street::call`]; does nothing by itself.
#[test]
fn caller() {
    answer_a_call();
}

#[test]
fn outbound_connections_arrive_at_the_proxy_with_their_destination() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    street.install();
    let (own, there) = (&street.workload, &street.neighbour);
    assert_eq!(street.call(APPLICATION, there.ipv4(), 8080), format!("out {}:8080", there.ipv4()));
    assert_eq!(street.call(APPLICATION, there.ipv6(), 8080), format!("out [{}]:8080", there.ipv6()));
    assert_eq!(street.call(APPLICATION, own.ipv4(), 8080), format!("out {}:8080", own.ipv4()), "a self-call");
    assert_eq!(street.call(APPLICATION, own.ipv6(), 8080), format!("out [{}]:8080", own.ipv6()), "a self-call");
    assert_eq!(street.call((0, 0), there.ipv4(), 8080), format!("out {}:8080", there.ipv4()), "root is no exception");
}

#[test]
fn loopback_is_left_alone() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    greeter(&street.workload, 8080, "loopback");
    street.install();
    assert_eq!(street.call(APPLICATION, Ipv4Addr::LOCALHOST, 8080), "loopback");
    assert_eq!(street.call(APPLICATION, Ipv6Addr::LOCALHOST, 8080), "loopback");
}

#[test]
fn the_proxy_is_known_by_uid_and_gid_together() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    greeter(&street.neighbour, 8080, "direct");
    street.install();
    for (account, exempt) in [(PROXY, true), ((PROXY.0, 1000), false), ((1000, PROXY.1), false)] {
        let there = street.neighbour.ipv4();
        let expected = if exempt { "direct".to_owned() } else { format!("out {there}:8080") };
        assert_eq!(street.call(account, there, 8080), expected, "{account:?}");
    }
    assert_eq!(street.call(PROXY, street.neighbour.ipv6(), 8080), "direct");
}

#[test]
fn inbound_connections_arrive_at_the_proxy_and_its_own_ports_are_not_redirected() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    for (port, word) in [(8080, "application"), (15008, "tunnel")] {
        greeter(&street.workload, port, word);
    }
    street.install();
    let workload = &street.workload;
    assert_eq!(street.call_in(workload.ipv4(), 8080), format!("in {}:8080", workload.ipv4()));
    assert_eq!(street.call_in(workload.ipv6(), 8080), format!("in [{}]:8080", workload.ipv6()));
    assert_eq!(street.call_in(workload.ipv4(), 15008), "tunnel");
    assert_eq!(street.call_in(workload.ipv6(), 15008), "tunnel");
    for port in [15001, 15006] {
        assert_eq!(street.call_in(workload.ipv4(), port), "TimedOut", "{port} from outside");
    }
    assert!(counted(&street, "not for others") > 0);
}

/// The proxy's admin port is on loopback only: whoever listens on it elsewhere is an application.
#[test]
fn an_application_on_the_admin_ports_number_is_captured() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    greeter(&street.workload, 15021, "admin");
    street.install();
    let workload = &street.workload;
    assert_eq!(street.call_in(workload.ipv4(), 15021), format!("in {}:15021", workload.ipv4()));
    assert_eq!(street.call_in(workload.ipv6(), 15021), format!("in [{}]:15021", workload.ipv6()));
    assert_eq!(street.call(APPLICATION, Ipv4Addr::LOCALHOST, 15021), "admin");
}

#[test]
fn the_probe_port_is_reached_directly_where_there_is_one() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    greeter(&street.workload, 15020, "probe");
    street.install();
    let workload = &street.workload;
    assert_eq!(street.call_in(workload.ipv4(), 15020), format!("in {}:15020", workload.ipv4()));
    let ports = Ports { probe: Some(15020), ..Ports::default() };
    street.install_with(&CaptureConfig { ports, ..config() }).unwrap();
    assert_eq!(street.call_in(workload.ipv4(), 15020), "probe");
    assert_eq!(street.call_in(workload.ipv6(), 15020), "probe");
}

#[test]
fn excluded_ports_and_networks_are_left_alone() {
    let street = Street::new();
    let _proxy = StandIn::start(&street.workload);
    greeter(&street.neighbour, 8080, "direct");
    greeter(&street.neighbour, 25, "mail");
    greeter(&street.workload, 9100, "metrics");
    let exclusions = Exclusions {
        outbound: vec![IpAddr::from(street.neighbour.ipv6()).into()],
        outbound_ports: vec![25],
        inbound_ports: vec![9100],
    };
    street.install_with(&CaptureConfig { exclusions, ..config() }).unwrap();
    assert_eq!(street.call(APPLICATION, street.neighbour.ipv6(), 8080), "direct");
    assert_eq!(street.call(APPLICATION, street.neighbour.ipv4(), 25), "mail");
    assert_eq!(street.call_in(street.workload.ipv4(), 9100), "metrics");
    assert!(street.call(APPLICATION, street.neighbour.ipv4(), 8080).starts_with("out "));
}

#[test]
fn without_the_proxy_nothing_passes_and_nothing_waits() {
    let street = Street::new();
    greeter(&street.neighbour, 8080, "direct");
    greeter(&street.workload, 8080, "application");
    street.install();
    for address in [street.neighbour.ipv4().into(), IpAddr::from(street.neighbour.ipv6())] {
        assert_eq!(street.call(APPLICATION, address, 8080), "ConnectionRefused");
    }
    assert_eq!(street.call_in(street.workload.ipv4(), 8080), "ConnectionRefused");
    assert_eq!(street.call_in(street.workload.ipv6(), 8080), "ConnectionRefused");
}

#[test]
fn the_canary_arrives_while_the_rules_stand_and_not_after() {
    let street = Street::new();
    let proxy = StandIn::start(&street.workload);
    assert!(!proxy.probe().prove_capture(), "before");
    street.install();
    for _ in 0..3 {
        let findings = proxy.probe();
        assert!(findings.v4.is_ok() && findings.v6.is_ok() && findings.prove_capture(), "{findings:?}");
    }
    street.workload.command("nft").args(["flush", "table", "inet", "bulkhead"]).run(DEADLINE).unwrap();
    let findings = proxy.probe();
    assert!(!findings.prove_capture(), "{findings:?}");
}

#[test]
fn a_namespace_without_a_way_out_in_one_family_is_still_proved_by_the_other() {
    let street = Street::new();
    street.workload.set_sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    let proxy = StandIn::start(&street.workload);
    street.install();
    let findings = proxy.probe();
    assert!(matches!(findings.v6, Err(CanaryError::NoRoute)), "{findings:?}");
    assert!(findings.prove_capture(), "{findings:?}");
}

#[test]
fn a_listener_does_without_ipv6() {
    let street = Street::new();
    street.workload.set_sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    let bind = |reach| block_on(async move { Listener::bind(15001, reach).map(drop) });
    for reach in [Reach::Loopback, Reach::Everywhere] {
        street.workload.inside(|| bind(reach)).unwrap().unwrap();
    }
}

#[test]
fn rules_are_replaced_and_removed_whatever_was_there() {
    let street = Street::new();
    assert_eq!(street.rules(), None);
    street.install();
    let once = without_counts(&street.rules().unwrap());
    street.install();
    assert_eq!(without_counts(&street.rules().unwrap()), once);
    let half = "table inet bulkhead { chain out_nat { type nat hook output priority -110; }; chain old { }; }";
    street.workload.command("nft").arg("-f").arg("-").stdin(half).run(DEADLINE).unwrap().success("nft").unwrap();
    street.install();
    assert_eq!(without_counts(&street.rules().unwrap()), once);
    for _ in 0..2 {
        block_on(install::remove(&street.namespace())).unwrap();
        assert_eq!(street.rules(), None);
    }
}

#[test]
fn nft_accepts_the_rules_of_pods_and_hosts() {
    let street = Street::new();
    let nets =
        ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8", "10.1.2.3/32", "::/0", "fd00::1/8"].map(|net| net.parse().unwrap());
    let exclusions =
        Exclusions { outbound: nets.into(), outbound_ports: vec![25, 25, 80], inbound_ports: vec![22, 9100] };
    let resolvers = vec!["10.96.0.10".parse().unwrap(), "fd77::10".parse().unwrap(), "10.96.0.10".parse().unwrap()];
    let full = CaptureConfig { exclusions, host: true, ..CaptureConfig::new(nets.into(), resolvers) };
    for config in [CaptureConfig::new(vec![], vec![]), config(), full] {
        let nft = street.workload.command("nft").args(["-c", "-f", "-"]).stdin(ruleset(&config));
        nft.run(DEADLINE).unwrap().success("nft -c").unwrap();
    }
}

#[test]
fn connections_from_before_capture_do_not_go_on() {
    for outbound in [true, false] {
        let street = Street::new();
        // Conntrack knows the connection: without a rule that needs it, it would not look.
        let track = "table inet other { chain track { type filter hook output priority 0; ct state new accept; }; }";
        let nft = |host: &bulkhead_lab::Host| {
            host.command("nft").args(["-f", "-"]).stdin(track).run(DEADLINE).unwrap().success("nft").unwrap();
        };
        nft(&street.workload);
        let (here, there) = (&street.workload, &street.neighbour);
        let (from, to) = if outbound { (here, there) } else { (there, here) };
        let listener = to.inside(|| TcpListener::bind("0.0.0.0:8080").unwrap()).unwrap();
        let address = SocketAddr::new(to.ipv4().into(), 8080);
        let mut near = from.inside(|| TcpStream::connect(address).unwrap()).unwrap();
        let mut far = listener.accept().unwrap().0;
        near.write_all(b"before").unwrap();
        far.read_exact(&mut [0; 6]).unwrap();
        street.install();
        let mut workload = if outbound { near } else { far };
        workload.set_read_timeout(Some(DEADLINE)).unwrap();
        let ended = workload.write_all(b"after").and_then(|()| workload.read(&mut [0]).map(drop));
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset, "outbound: {outbound}");
        assert!(counted(&street, "open before capture, outbound") > 0, "{:?}", street.rules());
    }
}

#[test]
fn a_peer_that_speaks_on_a_connection_from_before_capture_is_reset() {
    let street = Street::new();
    let track = "table inet other { chain track { type filter hook output priority 0; ct state new accept; }; }";
    street.workload.command("nft").args(["-f", "-"]).stdin(track).run(DEADLINE).unwrap().success("nft").unwrap();
    let listener = street.workload.inside(|| TcpListener::bind("0.0.0.0:8080").unwrap()).unwrap();
    let address = SocketAddr::new(street.workload.ipv4().into(), 8080);
    let mut peer = street.neighbour.inside(|| TcpStream::connect(address).unwrap()).unwrap();
    let mut application = listener.accept().unwrap().0;
    application.write_all(b"before").unwrap();
    peer.read_exact(&mut [0; 6]).unwrap();
    street.install();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let ended = peer.write_all(b"secret").and_then(|()| peer.read(&mut [0]).map(drop));
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    application.set_nonblocking(true).unwrap();
    assert_eq!(application.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "not a byte arrived");
    assert!(counted(&street, "open before capture, inbound") > 0, "{:?}", street.rules());
}

/// A closed socket has no owner any more, and its last bytes must leave all the same.
#[test]
fn what_the_proxy_sends_after_it_closed_a_socket_still_leaves() {
    let street = Street::new();
    let there = street.neighbour.ipv4();
    let listener = street.neighbour.inside(|| TcpListener::bind("0.0.0.0:8080").unwrap()).unwrap();
    street.install();
    // All of it fits into the sender's buffer while nobody reads, and then the process is gone.
    street.workload.set_sysctl("net.ipv4.tcp_wmem", "4096 4194304 4194304").unwrap();
    let script = format!("head -c {BUFFERED} /dev/zero > /dev/tcp/{there}/8080");
    let bash = street.workload.command("bash").args(["-c", &script]).uid(PROXY.0).gid(PROXY.1);
    bash.run(DEADLINE).unwrap().success("bash").unwrap();
    let mut stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), BUFFERED);
}

#[test]
fn only_dns_leaves_for_the_mesh_without_a_connection() {
    let street = Street::new();
    let resolver = street.neighbour.ipv4();
    street.install_with(&CaptureConfig { resolvers: vec![resolver.into()], ..config() }).unwrap();
    let send = |to: SocketAddr| {
        street
            .workload
            .inside(|| UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"?", to))
            .unwrap()
            .map_err(|e| e.kind())
    };
    assert_eq!(send(SocketAddr::new(resolver.into(), 53)), Ok(1));
    assert_eq!(send(SocketAddr::new(resolver.into(), 4000)), Err(ErrorKind::PermissionDenied));
    assert_eq!(counted(&street, "UDP to the mesh"), 1);
    assert_eq!(send("203.0.113.7:4000".parse().unwrap()), Ok(1), "outside the mesh");
    assert_eq!(send("127.0.0.1:4000".parse().unwrap()), Ok(1));
    let echo = street.workload.inside(|| {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
        socket.send_to(&[8, 0, 0xf7, 0xff, 0, 0, 0, 0], &SocketAddr::new(resolver.into(), 0).into())
    });
    assert_eq!(echo.unwrap().map_err(|e| e.kind()), Err(ErrorKind::PermissionDenied), "an echo is no error message");
    assert_eq!(counted(&street, "not TCP to the mesh"), 1);
}

#[test]
fn neighbours_are_still_found() {
    let street = Street::new();
    greeter(&street.neighbour, 8080, "direct");
    street.install();
    street.workload.command("ip").args(["neigh", "flush", "all"]).run(DEADLINE).unwrap().success("ip").unwrap();
    street.neighbour.command("ip").args(["neigh", "flush", "all"]).run(DEADLINE).unwrap().success("ip").unwrap();
    assert_eq!(street.call(PROXY, street.neighbour.ipv6(), 8080), "direct");
}

#[test]
fn a_machines_own_namespace_is_refused_and_a_workloads_is_not() {
    let street = Street::new();
    assert_eq!(block_on(install::whose(&Namespace::Own)).unwrap(), Whose::Host);
    assert_eq!(block_on(install::whose(&street.namespace())).unwrap(), Whose::Workload);
    let refused = block_on(install::install(&config(), &Namespace::Own)).unwrap_err();
    assert!(matches!(refused, CaptureError::HostNamespace { .. }) && refused.hint().is_some(), "{refused}");
    let missing = block_on(install::install(&config(), &Namespace::OfProcess(u32::MAX))).unwrap_err();
    assert!(missing.hint().is_some(), "{missing}");
}

/// The packets counted by the rules with this comment.
fn counted(street: &Street, comment: &str) -> u64 {
    let rules = street.rules().unwrap();
    let lines = rules.lines().filter(|line| line.contains(&format!("comment \"{comment}\"")));
    let packets = |line: &str| line.split_once("packets ")?.1.split(' ').next()?.parse::<u64>().ok();
    lines.filter_map(packets).sum()
}

fn without_counts(rules: &str) -> Vec<String> {
    let words = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        for at in 1..words.len() {
            if ["packets", "bytes"].contains(&words[at - 1]) {
                words[at] = "n";
            }
        }
        words.join(" ")
    };
    rules.lines().map(words).collect()
}

/// More than a receiver takes that does not read, less than a sender's buffer holds.
const BUFFERED: usize = 1 << 20;
