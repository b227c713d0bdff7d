//! What every connection of this workload needs, and the one gate through which each becomes allowed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::Limits as CertificateLimits;
use bulkhead_identity::tls::Trust;
use bulkhead_mesh::{Permit, Policy};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::addresses::{ClosedPorts, OwnAddresses, TargetError};
use crate::capture::Ports;
use crate::clocks::SharedClocks;
use crate::identity_source::Own;
use crate::limits::ProxyLimits;
use crate::live::Seat;
use crate::metrics::Metrics;
use crate::record::Record;
use crate::refused::Refused;
use crate::registry::Registry;
use crate::socket::{self, Purpose};
use crate::subject::{Cut, Kind, Subject, admit};
use crate::truth::Truth;

/// What every connection of this workload needs.
#[derive(Debug)]
pub struct Sidecar {
    /// What this workload is; `None` until the agent has said so.
    pub own: watch::Receiver<Option<Arc<Own>>>,
    /// What is known of the mesh.
    pub truth: Arc<Truth>,
    /// The gate to the index of what is open.
    pub registry: Registry,
    /// The time.
    pub clocks: SharedClocks,
    /// What is counted.
    pub metrics: Metrics,
    /// The addresses by which others know this workload.
    pub addresses: OwnAddresses,
    /// The proxy's own ports.
    pub ports: Ports,
    /// Those, and the ports that are excluded from the mesh.
    pub closed: ClosedPorts,
    /// What may be held and waited for.
    pub limits: ProxyLimits,
}

/// A connection that is in the index and may be.
#[derive(Debug)]
pub struct Entered {
    /// Its place; to be dropped when the sockets below are closed.
    pub seat: Seat<Subject, Cut>,
    /// The proof that it was decided.
    pub permit: Permit,
}

impl Sidecar {
    /// What this workload is.
    pub fn own(&self) -> Result<Arc<Own>, Refused> {
        self.own.borrow().clone().ok_or(Refused::NoIdentity)
    }

    /// The policy as it stands; what is decided on it is decided again by [`Sidecar::enter`].
    pub fn policy(&self) -> Result<Arc<Policy>, Refused> {
        self.truth.load().policy.clone().ok_or(Refused::NoPolicy)
    }

    /// Enters a connection in the index, *then* reads the truth and decides: a revocation that comes in between finds
    /// the connection in the index, and one that came before is seen by the decision.
    pub fn enter(&self, subject: Subject, record: &mut Record) -> Result<Entered, Refused> {
        let (seat, standard) = self.registry.enter(subject)?;
        let own = standard.own.as_deref().ok_or(Refused::NoIdentity)?;
        let policy = standard.knowledge.policy.as_deref().ok_or(Refused::NoPolicy)?;
        let decided = admit(seat.subject(), own, policy, standard.mode, standard.now).ok_or(Refused::NoDecision)?;
        let permit = decided.map_err(Refused::Denied)?;
        record.permitted(&permit);
        Ok(Entered { seat, permit })
    }

    /// What handshakes hold their peers against.
    pub fn trust(&self, own: &Own) -> Trust {
        Trust {
            bundle: Arc::clone(&own.bundle),
            truth: Arc::clone(&self.truth) as _,
            clock: Arc::clone(&self.clocks) as _,
            limits: CertificateLimits::default(),
        }
    }
}

impl Entered {
    /// Connects to an application or a destination without a sidecar: not to be called without a permit. Gives up when
    /// the connection is cut meanwhile. What was decided as a connection to this workload reaches no other machine.
    pub async fn connect(&self, to: SocketAddr, limit: Duration) -> Result<TcpStream, Refused> {
        debug_assert_eq!(self.permit.port(), to.port(), "what is connected is what was decided");
        let here = matches!(self.seat.subject().kind, Kind::Own { .. } | Kind::Inbound { .. });
        let connecting = timeout(limit, async {
            if here { connect_here(to).await } else { unreachable(to, socket::connect(to, Purpose::Application).await) }
        });
        tokio::select! {
            biased;
            cut = self.seat.cut() => Err(cut.into()),
            connected = connecting => match connected {
                Ok(answer) => answer,
                Err(_) => Err(Refused::TooSlow { to, limit }),
            },
        }
    }
}

async fn connect_here(to: SocketAddr) -> Result<TcpStream, Refused> {
    match socket::connect_here(to, Purpose::Application).await {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Err(TargetError::Gone { address: to.ip() }.into())
        }
        answer => unreachable(to, answer),
    }
}

fn unreachable(to: SocketAddr, answer: io::Result<TcpStream>) -> Result<TcpStream, Refused> {
    answer.map_err(|source| Refused::Unreachable { to, source })
}

/// An accepted connection; dropped before it is handed on, it is reset.
#[derive(Debug)]
pub struct Accepted(Option<TcpStream>);

impl Accepted {
    /// Guards a socket.
    pub fn new(stream: TcpStream) -> Self {
        Self(Some(stream))
    }

    /// The socket, to be read and written: whoever copies resets it from here on.
    pub fn into_inner(mut self) -> TcpStream {
        self.0.take().expect("taken only here, and this consumes the guard")
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            socket::reset(stream);
        }
    }
}
