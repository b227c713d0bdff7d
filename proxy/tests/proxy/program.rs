//! The program itself, in a workload's network namespace under its own account: what it proves, refuses and notices.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;

use bulkhead_lab::{Host, Process};
use bulkhead_proxy::capture::{CaptureConfig, Ports};

use crate::support::DEADLINE;
use crate::support::captured::{PROXY, Street, config, greeter};

#[test]
fn flushed_rules_are_noticed_and_what_is_captured_is_reset_until_anything_is_known() {
    let street = Street::new();
    street.install();
    let proxy = start(&street, &[]);
    proxy.wait_for_log("capture is proved", DEADLINE).unwrap();
    let ready = ask(&street.workload, ADMIN, "/ready");
    assert!(ready.contains("policy") && !ready.contains("captured"), "{ready}");

    let outside = SocketAddr::new(street.neighbour.ipv4().into(), 8080);
    assert_eq!(reset_in(&street.workload, outside), ErrorKind::ConnectionReset);
    let captured = SocketAddr::new(street.workload.ipv4().into(), 8080);
    assert_eq!(reset_in(&street.neighbour, captured), ErrorKind::ConnectionReset);
    proxy.wait_for_log("not-ready", DEADLINE).unwrap();

    let nft = street.workload.command("nft").args(["flush", "ruleset"]).run(DEADLINE).unwrap();
    nft.success("flushing the rules").unwrap();
    proxy.wait_for_log("capture is not in place", DEADLINE).unwrap();
    let ready = ask(&street.workload, ADMIN, "/ready");
    assert!(ready.contains("connections are not captured"), "{ready}");

    proxy.terminate().unwrap();
    assert!(proxy.wait(DEADLINE).unwrap().success());
}

/// The application's own port stays closed to whoever has no certificate.
#[test]
fn a_probe_from_outside_reaches_the_application_by_the_probe_port_and_by_nothing_else() {
    let street = Street::new();
    greeter(&street.workload, 8080, "application");
    let ports = Ports { probe: Some(15020), ..Ports::default() };
    street.install_with(&CaptureConfig { ports, ..config() }).unwrap();
    let probes = r#"[{"container":"app","kind":"liveness","check":{"tcp":{"port":8080}},"timeoutSeconds":5}]"#;
    let proxy = start(&street, &["--probe-address", "[::]:15020", "--probes", probes]);
    proxy.wait_for_log("capture is proved", DEADLINE).unwrap();
    for address in [IpAddr::from(street.workload.ipv4()), street.workload.ipv6().into()] {
        let answer = ask(&street.neighbour, SocketAddr::new(address, 15020), "/probe/app/liveness");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(reset_in(&street.neighbour, SocketAddr::new(address, 8080)), ErrorKind::ConnectionReset);
    }
    proxy.terminate().unwrap();
    assert!(proxy.wait(DEADLINE).unwrap().success());
}

fn start(street: &Street, arguments: &[&str]) -> Process {
    let program = street.install_program(Path::new(env!("CARGO_BIN_EXE_bulkhead-proxy")));
    let run = street.workload.command(program.display().to_string()).args(["run", "--ca", "127.0.0.1:1"]);
    let run = run.args(["--workload-api", "unix:///nowhere/api.sock", "--state-dir", "/nowhere", "--grace", "1"]);
    run.args(arguments).uid(PROXY.0).gid(PROXY.1).spawn("proxy").unwrap()
}

/// How a connection ends that somebody in this namespace makes and only reads from.
fn reset_in(host: &Host, to: SocketAddr) -> ErrorKind {
    let end = host.inside(|| TcpStream::connect(to).and_then(|mut stream| stream.read(&mut [0])));
    end.unwrap().expect_err("the connection was carried").kind()
}

fn ask(host: &Host, to: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
    let answer = host.inside(|| {
        let mut stream = TcpStream::connect(to)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    answer.unwrap().unwrap()
}

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 15021);
