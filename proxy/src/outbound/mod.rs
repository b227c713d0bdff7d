//! Connections of this workload, captured on port 15001.
//!
//! One connection's way, from top to bottom: it is captured; where it goes is resolved; a tunnel is found whose peer has
//! proved to be who the directory says lives there; the connection is entered in the index; it is decided; a stream is
//! opened; bytes are copied. What goes in clear by a rule, or to the workload itself, goes [`direct`]'s way.

mod again;
mod direct;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_daemon::Stop;
use bulkhead_mesh::{Direction, Entry};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::accepting::accept_each;
use crate::capture::check::Canary;
use crate::copy::{Counts, copy};
use crate::identity_source::Own;
use crate::pool::{Link, Pool};
use crate::reason::End;
use crate::record::{Path, Record};
use crate::refused::Refused;
use crate::resolve::{Course, Load, Resolver, Route};
use crate::sidecar::{Accepted, Entered, Sidecar};
use crate::socket::{self, Listener, Purpose};
use crate::subject::{Kind, Subject};
use crate::tunnel::{Connect, H2Stream};
use again::Again;

/// Carries what this workload opens.
#[derive(Debug)]
pub struct Outbound {
    sidecar: Arc<Sidecar>,
    resolver: Resolver,
    pool: Pool,
    canary: Canary,
}

impl Outbound {
    /// Nothing is open yet.
    pub fn new(sidecar: Arc<Sidecar>, resolver: Resolver, pool: Pool, canary: Canary) -> Arc<Self> {
        Arc::new(Self { sidecar, resolver, pool, canary })
    }

    /// Accepts captured connections until stopped, then waits for those that are open to end.
    pub async fn listen(self: Arc<Self>, listener: Listener, stop: Stop) {
        let serve = |stream, from| Arc::clone(&self).captured(stream, from);
        accept_each(listener, &self.sidecar.metrics, &stop, serve).await;
    }

    pub(crate) async fn captured(self: Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let to = socket::original_destination(&stream);
        match to {
            // Noted before it is closed: whoever sent it is told by the close to look.
            Ok(to) if self.canary.arrival(to, from) => drop(stream),
            Ok(to) => self.carry(Accepted::new(stream), from, to).await,
            Err(source) => {
                let record = Record::open(&self.sidecar.metrics, Direction::Outbound, from);
                socket::reset(stream);
                record.refused(&Refused::NotCaptured { source });
            }
        }
    }

    /// One connection, with its line in the log.
    pub async fn carry(self: Arc<Self>, app: Accepted, from: SocketAddr, to: SocketAddr) {
        let mut record = Record::open(&self.sidecar.metrics, Direction::Outbound, from);
        record.to(to);
        let outcome = self.serve(app, from, to, &mut record).await;
        record.close(outcome);
    }

    /// One connection, from its capture to the last byte.
    async fn serve(
        &self,
        app: Accepted,
        from: SocketAddr,
        to: SocketAddr,
        record: &mut Record,
    ) -> Result<End, Refused> {
        // In a box of its own: getting there needs much memory, and is over soon; a connection may live for days.
        let way = Box::pin(self.way(from, to, record)).await?;
        let app = app.into_inner();
        // Without its options an idle connection is only less well looked after.
        let _ = socket::prepare(&app, Purpose::Application);
        let counts = record.counts();
        match way {
            Way::Tunnel(there) => Ok(there.copy(app, counts).await),
            Way::Direct(there) => Ok(there.copy(app, counts).await),
        }
    }

    /// Resolves, finds a tunnel, enters, decides, opens: all of it before the application's first byte is read.
    async fn way(&self, from: SocketAddr, to: SocketAddr, record: &mut Record) -> Result<Way, Refused> {
        let own = self.sidecar.own()?;
        record.own(&own);
        let route = self.resolver.route(to).await?;
        if let Some(service) = &route.service {
            record.service(service);
        }
        match route.course.clone() {
            Course::Tunnel(entry) => Ok(Way::Tunnel(self.to_peer(&own, entry, route, from, record).await?)),
            course => Ok(Way::Direct(self.in_clear(&course, route, record).await?)),
        }
    }

    /// To another workload, within the deadline of a connection.
    async fn to_peer(
        &self,
        own: &Own,
        entry: Entry,
        route: Route,
        from: SocketAddr,
        record: &mut Record,
    ) -> Result<InTunnel, Refused> {
        record.route(Path::Tunnel, route.endpoint);
        let (to, limit) = (route.endpoint, self.sidecar.limits.connect);
        let opening = self.open(own, entry, Connect { target: to, client: Some(from) }, record);
        let opened = timeout(limit, opening).await.map_err(|_| Refused::TooSlow { to, limit })?;
        let (link, entered, stream) = opened?;
        Ok(InTunnel { load: route.load, link, entered, stream })
    }

    /// Finds a tunnel, enters, decides, opens a stream; over another tunnel when this one did not carry the request.
    async fn open(
        &self,
        own: &Own,
        entry: Entry,
        connect: Connect,
        record: &mut Record,
    ) -> Result<(Link, Entered, H2Stream), Refused> {
        let to = connect.target;
        let mut again = Again::default();
        loop {
            let link = self.link(own, &entry, to).await?;
            record.peer(link.peer());
            let subject = Subject { peer: Some(Arc::clone(link.peer())), kind: Kind::Outbound { port: to.port() } };
            let entered = self.sidecar.enter(subject, record)?;
            let answer = tokio::select! {
                biased;
                cut = entered.seat.cut() => return Err(cut.into()),
                answer = link.open(&connect) => answer,
            };
            match answer {
                Ok(stream) => return Ok((link, entered, stream)),
                Err(source) if again.may(source) => {}
                Err(source) => return Err(Refused::NoStream { to, source }),
            }
        }
    }

    /// A tunnel to whoever proves to be `entry`. When somebody else answers, the directory is asked once afresh: the
    /// address may have changed hands.
    async fn link(&self, own: &Own, entry: &Entry, to: SocketAddr) -> Result<Link, Refused> {
        let proxy = SocketAddr::new(to.ip(), self.sidecar.ports.tunnel);
        let refuse = |source| Refused::NoTunnel { to: proxy, source };
        let mismatch = match self.pool.link(own, entry, proxy).await {
            Err(error) if error.is_mismatch() => error,
            answer => return answer.map_err(refuse),
        };
        match self.resolver.entry_afresh(to).await? {
            Course::Tunnel(fresh) if fresh != *entry => self.pool.link(own, &fresh, proxy).await.map_err(refuse),
            _ => Err(refuse(mismatch)),
        }
    }
}

/// How a connection that may be gets there.
enum Way {
    Tunnel(InTunnel),
    Direct(direct::InClear),
}

/// A stream to the peer's application, and what must live as long.
struct InTunnel {
    load: Option<Load>,
    link: Link,
    entered: Entered,
    stream: H2Stream,
}

impl InTunnel {
    /// Taken apart before the block and not in an `async fn`, whose arguments would be stored twice.
    fn copy(self, app: TcpStream, counts: Arc<Counts>) -> impl Future<Output = End> + Send {
        let Self { load, link, entered, stream } = self;
        async move {
            let _used = (load, link);
            let ended = copy(app, stream, counts, entered.seat.cut()).await;
            // `entered` goes last: both sides are closed by now.
            drop(entered);
            End::outbound(ended)
        }
    }
}
