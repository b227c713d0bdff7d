//! The connection to the application: all that a TCP check asks for, and where the other checks begin.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::failure::Failure;
use crate::addresses::OwnAddresses;
use crate::socket::{self, Purpose};

/// Connects to the application at the first of the workload's own addresses that takes the connection.
///
/// An application may listen in one family only, and which of two addresses the orchestrator would have asked is not
/// known here. Loopback is not tried: what listens there alone is not reached by others either.
pub(super) async fn connect(addresses: &OwnAddresses, port: u16) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut first = None;
    for address in addresses.all() {
        let at = SocketAddr::new(address, port);
        match connect_to(at).await {
            Ok(stream) => return Ok((stream, at)),
            Err(source) => {
                first.get_or_insert(Failure::Unreachable { at, source });
            }
        }
    }
    Err(first.unwrap_or(Failure::NoAddress))
}

/// As inbound connects to the application: what has become another host's address meanwhile is not called.
async fn connect_to(at: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket::connect_here(at, Purpose::Application).await?;
    // With the same address on both sides the kernel may choose the port of nobody as the source, and the socket is
    // connected with itself (RFC 9293 3.5, simultaneous open).
    if stream.local_addr()? == at { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(stream) }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn the_application_is_found_at_whichever_own_address_it_listens() {
        let [first, second] = ["127.0.4.1", "127.0.4.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let listener = TcpListener::bind((second, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (_stream, at) = connect(&OwnAddresses::given([first, second]), port).await.unwrap();
        assert_eq!(at, SocketAddr::new(second, port));
    }

    #[tokio::test]
    async fn who_has_no_address_is_told_so_and_who_is_refused_is_told_where() {
        // Bound and not listening: nobody else can take the port meanwhile.
        let held = TcpSocket::new_v4().unwrap();
        held.bind("127.0.4.1:0".parse().unwrap()).unwrap();
        let at = held.local_addr().unwrap();
        let refused = connect(&OwnAddresses::given([at.ip()]), at.port()).await.unwrap_err();
        assert!(refused.to_string().contains(&at.to_string()), "{refused}");
        assert!(matches!(connect(&OwnAddresses::given([]), 1).await, Err(Failure::NoAddress)));
    }
}
