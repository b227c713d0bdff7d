//! A server that answers at the CA's place, on a thread of its own until it is dropped.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use bulkhead_identity::clock::SystemClock;
use bulkhead_identity::tls::{Acceptor, CurrentTruth, OwnIdentity, Trust};
use bulkhead_identity::{AcceptedIssuers, Demand, Limits, PurposeKind, Truth};
use bulkhead_mesh::{CutoffSet, Levels};
use bulkhead_protocol::transport::{AcceptLimits, incoming};
use bulkhead_protocol::v1::admin_server::AdminServer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::transport::Server;

use super::admin::MockAdmin;
use super::{Mesh, Shown};

/// Every request that arrived, as its `Debug` form: `RevokeNodeRequest { .. }`.
pub type Calls = Arc<Mutex<Vec<String>>>;

pub struct Ca {
    pub address: SocketAddr,
    calls: Calls,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ca {
    /// A server that shows this certificate.
    pub fn showing(mesh: &Mesh, shown: Shown) -> Self {
        let calls = Calls::default();
        let acceptor = Arc::new(acceptor(mesh, shown));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let admin = MockAdmin { calls: calls.clone() };
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let incoming = incoming(listener, move || acceptor.clone(), AcceptLimits::default(), |_, _| {});
                let server = Server::builder().add_service(AdminServer::new(admin)).serve_with_incoming(incoming);
                tokio::select! {
                    ended = server => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address: told.recv().unwrap(), calls, stop: Some(stop), thread: Some(thread) }
    }

    /// What was asked so far.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn acceptor(mesh: &Mesh, shown: Shown) -> Acceptor {
    let own = OwnIdentity::new(shown.chain, &shown.key).unwrap();
    let trust = Trust {
        bundle: Arc::new(mesh.bundle()),
        truth: Arc::new(Fixed),
        clock: Arc::new(SystemClock::default()),
        limits: Limits::default(),
    };
    Acceptor::new(&own, trust, Demand::any_of(&[PurposeKind::Operator]), &[b"h2"]).unwrap()
}

#[derive(Debug)]
struct Fixed;

impl CurrentTruth for Fixed {
    fn truth(&self) -> Arc<Truth> {
        let (levels, cutoffs) = (Levels::default(), CutoffSet::default());
        Arc::new(Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs })
    }
}
