//! The probe port: an orchestrator's questions about the application's health, asked by the proxy in its place.
//!
//! Whoever runs the workload (the kubelet) has no certificate, and inbound lets nobody in without one unless a rule
//! says so. Here it may ask what `--probes` lists and nothing else ([`answers`]): the proxy connects to the application
//! at the workload's own address ([`tcp`]), asks by [`mod@http`] or [`grpc`], and tells only whether the answer passes.
//! Nothing that the application says is passed on.
//!
//! The port has no authentication. So strangers share its limits with the kubelet, and what they learn is what a status
//! and a sentence say.

mod answers;
mod danger;
mod driving;
mod failure;
mod grpc;
mod health;
mod http;
mod outcome;
mod tcp;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bulkhead_daemon::Stop;
use bulkhead_mesh::probe::{Probe, Probes};
use tokio::task::JoinSet;

use crate::capture::Ports;
use crate::socket::{Listener, Reach};

pub use answers::Answers;
pub use outcome::Outcome;

/// The port, bound.
#[derive(Debug)]
pub struct ProbePort {
    listener: Listener,
    port: u16,
}

impl ProbePort {
    /// Binds the port; `[::]` means every address of both families, as a dual-stack socket would have it.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let everywhere = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let reach = if everywhere { Reach::Everywhere } else { Reach::At(address.ip()) };
        let listener = Listener::bind(address.port(), reach)?;
        let port = listener.port()?;
        Ok(Self { listener, port })
    }

    /// Its number; where 0 was asked for, the one that was free.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until stopped. Connections that are open then are closed, and what is being asked is given up.
    pub async fn serve(self, answers: Arc<Answers>, stop: Stop) {
        let Self { mut listener, .. } = self;
        let (mut connections, mut shed) = (JoinSet::new(), 0);
        loop {
            tokio::select! {
                () = stop.stopped() => break,
                Some(_) = connections.join_next() => {}
                (stream, _) = listener.accept(), if connections.len() < answers.connections() => {
                    connections.spawn(Arc::clone(&answers).converse(stream));
                    answers.shed(listener.shed() - shed);
                    shed = listener.shed();
                }
            }
        }
        // Closed before the wait: what nobody accepts any more is refused, not left waiting.
        drop(listener);
        connections.shutdown().await;
    }
}

/// The first probe that would ask the proxy itself instead of the application.
pub fn find_own_port(probes: &Probes, ports: Ports) -> Option<&Probe> {
    probes.iter().find(|probe| ports.at_the_workload().any(|own| own == probe.check.port()))
}
