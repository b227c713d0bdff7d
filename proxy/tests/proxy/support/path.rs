//! One connection from an application through two proxies to another application, all sockets real.

use std::sync::Arc;

use bulkhead_proxy::copy::{Counts, Ended, copy};
use bulkhead_proxy::tunnel::{Incoming, Tunnel};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Ends, connect, request, tcp_pair, within};

/// Why a test cuts a connection.
pub(crate) type Why = &'static str;

pub(crate) struct Path {
    /// The socket of the application that connected.
    pub(crate) client: TcpStream,
    /// The socket of the application that was connected to.
    pub(crate) server: TcpStream,
    pub(crate) outbound: Copying,
    pub(crate) inbound: Copying,
}

/// One proxy's copy, with what its caller holds.
pub(crate) struct Copying {
    pub(crate) counts: Arc<Counts>,
    cut: oneshot::Sender<Why>,
    task: JoinHandle<Ended<Why>>,
}

impl Copying {
    /// Cuts this copy, and says how it ended.
    pub(crate) async fn cut(self, why: Why) -> Ended<Why> {
        self.cut.send(why).expect("the copy runs");
        within("the end of a copy that was cut", self.task).await.unwrap()
    }

    /// Drops the copy's future.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    pub(crate) async fn ended(self) -> Ended<Why> {
        let _held = self.cut;
        within("the end of a copy", self.task).await.unwrap()
    }
}

/// Opens a stream in the tunnel and puts an application behind each end.
pub(crate) async fn path(ends: &mut Ends) -> Path {
    let asked = connect();
    let (outside, inside) =
        tokio::join!(ends.tunnel.open(&asked), async { request(&mut ends.requests).await.accept().unwrap() });
    let ((client, captured), (server, connected)) = (tcp_pair().await, tcp_pair().await);
    Path { client, server, outbound: start(captured, outside.unwrap()), inbound: start(connected, inside) }
}

fn start<S: bulkhead_proxy::tunnel::Stream + 'static>(app: TcpStream, stream: S) -> Copying {
    let (cut, cutting) = oneshot::channel();
    let counts = Arc::new(Counts::default());
    let stop = async {
        match cutting.await {
            Ok(why) => why,
            Err(_) => std::future::pending().await,
        }
    };
    let task = tokio::spawn(copy(app, stream, Arc::clone(&counts), stop));
    Copying { counts, cut, task }
}
