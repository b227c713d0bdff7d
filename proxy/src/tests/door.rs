//! Where a server's tunnels come in, and the ways in which they end that no server would choose.

use std::sync::{Arc, Mutex};

use bulkhead_daemon::{Stop, Stopper};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::inbound::Inbound;
use crate::socket;

/// Accepts tunnels for a server.
pub(crate) struct Door {
    inbound: Arc<Inbound>,
    /// By which the tunnels that come from now on are stopped.
    stop: Mutex<Stop>,
    /// Second handles on the sockets of tunnels, once they are to be kept: a socket ends with its last handle.
    kept: Mutex<Option<Vec<(TcpStream, AbortHandle)>>>,
}

impl Door {
    pub(crate) fn open(listener: TcpListener, inbound: Arc<Inbound>, stop: Stop) -> Arc<Self> {
        let door = Arc::new(Self { inbound, stop: Mutex::new(stop), kept: Mutex::default() });
        let serving = Arc::clone(&door);
        tokio::spawn(async move {
            loop {
                let (stream, from) = listener.accept().await.unwrap();
                serving.enter(stream, from);
            }
        });
        door
    }

    /// The tunnels that come from now on are stopped by this.
    pub(crate) fn next_stop(&self) -> Stopper {
        let (stopper, stop) = Stopper::new();
        *self.stop.lock().unwrap() = stop;
        stopper
    }

    /// The tunnels that come from now on can vanish.
    pub(crate) fn keep_sockets(&self) {
        *self.kept.lock().unwrap() = Some(Vec::new());
    }

    /// The tunnels are gone without a word, as with an instance that lost its power; to whoever speaks to them now,
    /// the address says that it knows nothing of it.
    pub(crate) fn vanish(&self) {
        for (socket, tunnel) in self.kept.lock().unwrap().as_mut().unwrap().drain(..) {
            tunnel.abort();
            tokio::spawn(async move {
                let _ = socket.peek(&mut [0]).await;
                socket::reset(socket);
            });
        }
    }

    fn enter(&self, stream: TcpStream, from: std::net::SocketAddr) {
        let stream = stream.into_std().unwrap();
        let second = stream.try_clone().unwrap();
        let stop = self.stop.lock().unwrap().clone();
        let tunnel = Arc::clone(&self.inbound).tunnel(TcpStream::from_std(stream).unwrap(), from, stop);
        let tunnel = tokio::spawn(tunnel).abort_handle();
        if let Some(kept) = self.kept.lock().unwrap().as_mut() {
            kept.push((TcpStream::from_std(second).unwrap(), tunnel));
        }
    }
}
