//! Connections of this workload that go in no tunnel: to itself, to parties without a sidecar, and out of the mesh.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::Outbound;
use crate::copy::Counts;
use crate::plain::copy_plain;
use crate::reason::End;
use crate::record::{Path, Record};
use crate::refused::Refused;
use crate::resolve::{Course, Load, Route};
use crate::sidecar::{Accepted, Entered};
use crate::subject::{Kind, Subject};

/// A connection to the destination, and what must live as long.
pub(super) struct InClear {
    load: Option<Load>,
    entered: Entered,
    server: Accepted,
}

impl Outbound {
    /// Enters, decides, connects: in this order, see [`crate::live`].
    pub(super) async fn in_clear(
        &self,
        course: &Course,
        route: Route,
        record: &mut Record,
    ) -> Result<InClear, Refused> {
        let to = route.endpoint;
        let (path, kind) = match course {
            Course::Own => (Path::Own, Kind::Own { port: to.port() }),
            Course::Egress => (Path::Egress, Kind::Egress { to }),
            // A workload behind a sidecar is never reached in clear: as plain it would be decided as nobody.
            Course::Plain | Course::Tunnel(_) => (Path::Plain, Kind::Plain { to }),
        };
        record.route(path, to);
        let entered = self.sidecar.enter(Subject { peer: None, kind }, record)?;
        let server = Accepted::new(entered.connect(to, self.sidecar.limits.connect).await?);
        Ok(InClear { load: route.load, entered, server })
    }
}

impl InClear {
    /// Taken apart before the block and not in an `async fn`, whose arguments would be stored twice.
    pub(super) fn copy(self, app: TcpStream, counts: Arc<Counts>) -> impl Future<Output = End> + Send {
        let Self { load, entered, server } = self;
        async move {
            let _used = load;
            let end = copy_plain(app, server.into_inner(), counts, entered.seat.cut()).await;
            // `entered` goes last: both sides are closed by now.
            drop(entered);
            End::plain(end)
        }
    }
}
