//! What the lab promises to those who build on it, on real namespaces. Runs as root and as an ordinary user.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod binaries;
mod captures;
mod directories;
mod faults;
mod network;
mod programs;
mod teardown;
mod users;

use std::fs;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bulkhead_lab::{Host, Lab, rights, until};

fn lab() -> Lab {
    rights::ensure().unwrap_or_else(|error| panic!("{error}; {}", error.hint().unwrap_or_default()));
    Lab::new().unwrap()
}

fn listen(host: &Host, address: impl Into<IpAddr>, port: u16) -> TcpListener {
    let address = SocketAddr::new(address.into(), port);
    host.inside(|| TcpListener::bind(address)).unwrap().unwrap()
}

fn connect(host: &Host, to: SocketAddr) -> TcpStream {
    host.inside(|| TcpStream::connect_timeout(&to, DEADLINE)).unwrap().unwrap()
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let (stream, _) = until(DEADLINE, "connection", || listener.accept()).unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

fn talk(client: &Host, server: &Host) -> (TcpStream, TcpStream) {
    let listener = listen(server, server.ipv4(), 0);
    let client = connect(client, listener.local_addr().unwrap());
    (client, accept(&listener))
}

fn arrives(mut stream: &TcpStream, bytes: &[u8], within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).is_ok() && read == bytes
}

fn is_alive(pid: &str) -> bool {
    // A killed orphan is a zombie until its new parent looks after it, which is none of ours.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Far more than anything here takes, so that only what never happens runs into it.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long something is watched that must not happen. Packets take microseconds.
const WATCHED: Duration = Duration::from_millis(700);
