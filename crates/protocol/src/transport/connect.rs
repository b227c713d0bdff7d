//! Opens a gRPC channel to the CA, at the first of its addresses that answers as the CA.

use std::io;
use std::time::Duration;

use bulkhead_identity::peer::{Demand, PeerError};
use bulkhead_identity::tls::{Connector, SlotError, unused_server_name};
use bulkhead_mesh::ControlRole;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// How long each step towards the CA may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectLimits {
    /// For one address: name lookup, TCP and TLS together.
    pub connect: Duration,
    /// A connection without an answer to a ping after this long is dropped.
    pub keepalive: Duration,
}

impl Default for ConnectLimits {
    /// 5 s and 5 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), keepalive: Duration::from_secs(5) }
    }
}

/// A connection whose first bytes have come.
type Opened = BufReader<TlsStream<TcpStream>>;

/// Larger than the SETTINGS of any server; what is read later is not buffered here.
const FIRST_BYTES: usize = 4096;

/// Why no CA was reached: what each address said.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ConnectError {
    #[error("no address of the CA is known")]
    NoAddress,
    #[error("`{address}` cannot be reached")]
    Unreachable { address: String, source: io::Error },
    #[error("`{address}` did not answer within {limit:?}")]
    TooSlow { address: String, limit: Duration },
    #[error("whoever answers at `{address}` is not the CA")]
    NotTheCa { address: String, source: PeerError },
    #[error("the CA at `{address}` did not accept this program's certificate")]
    Refused { address: String, source: io::Error },
    #[error("the handshake with `{address}` left nobody to speak to")]
    NoPeer { address: String, source: SlotError },
    #[error("the TLS handshake with `{address}` failed")]
    Handshake { address: String, source: io::Error },
    #[error("the connection to `{address}` is no gRPC channel")]
    Channel { address: String, source: tonic::transport::Error },
}

/// Connects to the first of `addresses` (`host:port`) whose certificate is the CA's; nothing is sent to any other.
///
/// The channel is one connection: when it breaks its calls fail, and the caller connects anew.
pub async fn connect(
    addresses: &[String],
    connector: &Connector,
    limits: ConnectLimits,
) -> Result<Channel, ConnectError> {
    let mut last = ConnectError::NoAddress;
    for address in addresses {
        match open(address, connector, limits).await {
            Ok(stream) => return channel(address, stream, limits).await,
            Err(reason) => last = reason,
        }
    }
    Err(last)
}

async fn open(address: &str, connector: &Connector, limits: ConnectLimits) -> Result<Opened, ConnectError> {
    let too_slow = |_| ConnectError::TooSlow { address: address.into(), limit: limits.connect };
    timeout(limits.connect, shake(address, connector)).await.map_err(too_slow)?
}

async fn shake(address: &str, connector: &Connector) -> Result<Opened, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable { address: address.into(), source };
    let tcp = TcpStream::connect(address).await.map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;
    let (config, slot) = connector.begin(Demand::control(ControlRole::Ca));
    match TlsConnector::from(config).connect(unused_server_name(), tcp).await {
        Ok(stream) => match slot.take(stream.get_ref().1) {
            Ok(_) => welcomed(address, stream).await,
            Err(source) => Err(ConnectError::NoPeer { address: address.into(), source }),
        },
        Err(source) => Err(match slot.refusal() {
            Some(source) => ConnectError::NotTheCa { address: address.into(), source },
            None => ConnectError::Handshake { address: address.into(), source },
        }),
    }
}

/// With TLS 1.3 the client's handshake is over before the server has looked at its certificate. What comes first tells:
/// the server's SETTINGS, which stay in the buffer for HTTP/2, or an alert.
async fn welcomed(address: &str, stream: TlsStream<TcpStream>) -> Result<Opened, ConnectError> {
    let mut stream = BufReader::with_capacity(FIRST_BYTES, stream);
    let failed = |source| ConnectError::Handshake { address: address.into(), source };
    match stream.fill_buf().await.map(<[u8]>::is_empty) {
        Ok(false) => Ok(stream),
        Ok(true) => Err(failed(io::ErrorKind::UnexpectedEof.into())),
        // TLS says what it has against us by an alert, which comes up as invalid data; a CA that stops does not.
        Err(source) if source.kind() == io::ErrorKind::InvalidData => {
            Err(ConnectError::Refused { address: address.into(), source })
        }
        Err(source) => Err(failed(source)),
    }
}

async fn channel(address: &str, stream: Opened, limits: ConnectLimits) -> Result<Channel, ConnectError> {
    let mut once = Some(TokioIo::new(stream));
    let give = service_fn(move |_| {
        let taken = once.take().ok_or_else(|| io::Error::other("the connection to the CA ended"));
        async move { taken }
    });
    Endpoint::from_static("http://bulkhead-ca")
        .http2_keep_alive_interval(limits.keepalive)
        .keep_alive_timeout(limits.keepalive)
        .keep_alive_while_idle(true)
        .connect_with_connector(give)
        .await
        .map_err(|source| ConnectError::Channel { address: address.into(), source })
}
