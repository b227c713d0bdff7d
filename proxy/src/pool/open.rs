//! Opening a tunnel: connect, verify the peer against the directory's entry, enter the index, begin.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_identity::tls::{Connector, PeerSlot, unused_server_name};
use bulkhead_identity::{Demand, VerifiedPeer};
use bulkhead_mesh::Entry;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::LinkError;
use crate::identity_source::Own;
use crate::live::Seat;
use crate::sidecar::Sidecar;
use crate::socket::{self, Purpose};
use crate::subject::{Cut, Kind, Subject};
use crate::tunnel::client::{self, H2Tunnel};
use crate::tunnel::{Closed, Transport};

/// A tunnel that has begun, and what must be done for it to live.
pub(super) struct Opened<D> {
    pub(super) tunnel: H2Tunnel,
    pub(super) peer: Arc<VerifiedPeer>,
    pub(super) seat: Seat<Subject, Cut>,
    /// Moves the bytes until the tunnel ends; the socket is closed when it is done.
    pub(super) driver: D,
}

/// Opens a tunnel to whoever proves to be `entry` at `to`.
pub(super) async fn open(
    sidecar: &Sidecar,
    own: &Own,
    entry: &Entry,
    to: SocketAddr,
) -> Result<Opened<impl Future<Output = Closed> + Send + 'static>, LinkError> {
    let limit = sidecar.limits.handshake;
    let shaken = timeout(limit, shake(sidecar, own, entry, to)).await;
    let (stream, peer) = shaken.map_err(|_| LinkError::Timeout { limit })??;
    let peer = Arc::new(peer);
    // In the index before the truth is read again: what changed during the handshake is seen now, what comes later
    // finds the tunnel.
    let subject = Subject { peer: Some(Arc::clone(&peer)), kind: Kind::Tunnel };
    let (seat, _) = sidecar.registry.enter(subject).map_err(|cut| void(&stream, cut))?;
    let begun = tokio::select! {
        biased;
        cut = seat.cut() => Err(LinkError::Void(cut)),
        begun = client::start(stream, &sidecar.limits.tunnel) => begun.map_err(LinkError::Start),
    };
    let (tunnel, driver) = begun?;
    Ok(Opened { tunnel, peer, seat, driver })
}

async fn shake(
    sidecar: &Sidecar,
    own: &Own,
    entry: &Entry,
    to: SocketAddr,
) -> Result<(TlsStream<TcpStream>, VerifiedPeer), LinkError> {
    let tcp = socket::connect(to, Purpose::Tunnel).await.map_err(LinkError::Connect)?;
    let connector = Connector::new(Some(&own.identity), sidecar.trust(own), &[b"h2"]).map_err(LinkError::Own)?;
    let (config, slot) = connector.begin(Demand::entry(entry.clone()));
    match TlsConnector::from(config).connect(unused_server_name(), tcp).await {
        Ok(stream) => verified(stream, slot),
        Err(error) => Err(slot.refusal().map_or(LinkError::Handshake(error), LinkError::Peer)),
    }
}

fn verified(stream: TlsStream<TcpStream>, slot: PeerSlot) -> Result<(TlsStream<TcpStream>, VerifiedPeer), LinkError> {
    match slot.take(stream.get_ref().1) {
        Ok(peer) => Ok((stream, peer)),
        Err(error) => {
            stream.reset_on_drop();
            Err(LinkError::Slot(error))
        }
    }
}

fn void(stream: &TlsStream<TcpStream>, cut: Cut) -> LinkError {
    stream.reset_on_drop();
    LinkError::Void(cut)
}
