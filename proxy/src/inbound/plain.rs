//! Connections to this workload without a tunnel, captured on port 15006: the client is nobody, and only a rule that
//! says so lets it pass.

use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_daemon::Stop;
use bulkhead_mesh::Direction;
use tokio::net::TcpStream;

use super::Inbound;
use crate::accepting::accept_each;
use crate::addresses::check_target;
use crate::plain::copy_plain;
use crate::reason::End;
use crate::record::{Path, Record};
use crate::refused::Refused;
use crate::sidecar::{Accepted, Entered};
use crate::socket::{self, Listener, Purpose};
use crate::subject::{Kind, Subject};

impl Inbound {
    /// Accepts captured connections until stopped, then waits for those that are open to end.
    pub async fn listen_plain(self: Arc<Self>, listener: Listener, stop: Stop) {
        let serve = |stream, from| Arc::clone(&self).captured(stream, from);
        accept_each(listener, &self.sidecar.metrics, &stop, serve).await;
    }

    pub(crate) async fn captured(self: Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let to = socket::original_destination(&stream);
        let client = Accepted::new(stream);
        match to {
            Ok(to) => self.plain(client, from, to).await,
            Err(source) => {
                let record = Record::open(&self.sidecar.metrics, Direction::Inbound, from);
                drop(client);
                record.refused(&Refused::NotCaptured { source });
            }
        }
    }

    /// One connection in clear, with its line in the log.
    pub async fn plain(self: Arc<Self>, client: Accepted, from: SocketAddr, to: SocketAddr) {
        let mut record = Record::open(&self.sidecar.metrics, Direction::Inbound, from);
        record.to(to);
        record.route(Path::Plain, to);
        let outcome = self.serve_plain(client, to, &mut record).await;
        record.close(outcome);
    }

    async fn serve_plain(&self, client: Accepted, to: SocketAddr, record: &mut Record) -> Result<End, Refused> {
        let (entered, app) = Box::pin(self.admit_plain(to, record)).await?;
        let client = client.into_inner();
        // Without its options an idle connection is only less well looked after.
        let _ = socket::prepare(&client, Purpose::Application);
        let end = copy_plain(client, app.into_inner(), record.counts(), entered.seat.cut()).await;
        // `entered` goes last: both sides are closed by now.
        drop(entered);
        Ok(End::plain(end))
    }

    /// Enter, decide, check the target, connect: in this order, see [`crate::live`].
    async fn admit_plain(&self, to: SocketAddr, record: &mut Record) -> Result<(Entered, Accepted), Refused> {
        record.own(&self.sidecar.own()?);
        let subject = Subject { peer: None, kind: Kind::Inbound { port: to.port() } };
        let entered = self.sidecar.enter(subject, record)?;
        check_target(to, &self.sidecar.addresses, &self.sidecar.closed)?;
        let app = entered.connect(to, self.sidecar.limits.connect).await?;
        Ok((entered, Accepted::new(app)))
    }
}
