//! Where a captured connection goes: to the workload itself, to a peer's proxy, in clear, out of the mesh, or nowhere.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_mesh::{Endpoint, Entry, Policy, Resolution, Service, ServiceName};

use crate::dice;
use crate::directory::Directory;
use crate::refused::Refused;
use crate::sabotage;
use crate::sidecar::Sidecar;

/// Asks the directory and chooses.
#[derive(Debug)]
pub struct Resolver {
    sidecar: Arc<Sidecar>,
    directory: Directory,
    loads: Loads,
}

/// Where one connection goes.
#[derive(Debug)]
pub struct Route {
    /// The destination itself, or the endpoint that was chosen for a service.
    pub endpoint: SocketAddr,
    /// How to get there.
    pub course: Course,
    /// The service that was addressed.
    pub service: Option<ServiceName>,
    /// Counts towards the endpoint's load while the connection lives.
    pub load: Option<Load>,
}

/// How to get to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is this workload: decided and connected here.
    Own,
    /// In a tunnel, to whoever proves to be this.
    Tunnel(Entry),
    /// In clear: known, but without a sidecar.
    Plain,
    /// In clear, out of the mesh.
    Egress,
}

impl Resolver {
    /// Nothing is loaded yet.
    pub fn new(sidecar: Arc<Sidecar>, directory: Directory) -> Self {
        Self { sidecar, directory, loads: Loads::default() }
    }

    /// The way to `to`. Inside the mesh only the directory knows one; outside there is always the one that the egress
    /// rules may allow.
    pub async fn route(&self, to: SocketAddr) -> Result<Route, Refused> {
        self.check_loop(to)?;
        let policy = self.sidecar.policy()?;
        if self.sidecar.addresses.contains(to.ip()) {
            return Ok(Route::direct(to, Course::Own));
        }
        if !policy.in_mesh(to.ip()) {
            return Ok(Route::direct(to, Course::Egress));
        }
        match self.directory.resolve(to.ip()).await? {
            Resolution::Service(service) => self.choose(&service, to.port(), &policy).await,
            Resolution::Entry(entry) => Ok(Route::direct(to, Course::to(entry))),
            Resolution::Unknown => Err(Refused::UnknownAddress { address: to.ip() }),
        }
    }

    /// Who lives at an endpoint according to an answer that is given now, whatever was known before.
    pub async fn entry_afresh(&self, endpoint: SocketAddr) -> Result<Course, Refused> {
        let address = endpoint.ip();
        match self.directory.resolve_afresh(address).await? {
            Resolution::Entry(entry) => Ok(Course::to(entry)),
            Resolution::Service(_) | Resolution::Unknown => Err(Refused::UnknownAddress { address }),
        }
    }

    /// A connection to the proxy's own ports would come back here for ever (lesson 19): one that was not captured but
    /// made to the port itself has that port as its destination.
    fn check_loop(&self, to: SocketAddr) -> Result<(), Refused> {
        let address = to.ip().to_canonical();
        let here = address.is_loopback() || address.is_unspecified() || self.sidecar.addresses.contains(address);
        if here && self.sidecar.ports.all().any(|own| own == to.port()) { Err(Refused::Loop { to }) } else { Ok(()) }
    }

    async fn choose(&self, service: &Service, port: u16, policy: &Policy) -> Result<Route, Refused> {
        let name = || service.name().clone();
        let listed = service.port(port).ok_or_else(|| Refused::NoPort { service: name(), port })?;
        let chosen = listed.choose([dice::throw(), dice::throw()], |endpoint| self.loads.of(endpoint));
        let endpoint = chosen.ok_or_else(|| Refused::NoEndpoint { service: name(), port })?.socket_address();
        let course = self.course_to(endpoint, service, policy).await?;
        Ok(Route { endpoint, course, service: Some(name()), load: Some(self.loads.take(endpoint)) })
    }

    /// A service inside the mesh may have its endpoints outside, as the Kubernetes API has: there the egress rules decide
    /// about the endpoint, as if it had been called itself.
    async fn course_to(&self, endpoint: SocketAddr, service: &Service, policy: &Policy) -> Result<Course, Refused> {
        self.check_loop(endpoint)?;
        if self.sidecar.addresses.contains(endpoint.ip()) {
            return Ok(Course::Own);
        }
        if !policy.in_mesh(endpoint.ip()) {
            return Ok(Course::Egress);
        }
        match self.directory.resolve(endpoint.ip()).await? {
            Resolution::Entry(entry) => Ok(Course::to(entry)),
            Resolution::Unknown => Err(Refused::UnknownAddress { address: endpoint.ip() }),
            Resolution::Service(_) => Err(Refused::Nested { service: service.name().clone(), address: endpoint.ip() }),
        }
    }
}

impl Route {
    fn direct(endpoint: SocketAddr, course: Course) -> Self {
        Self { endpoint, course, service: None, load: None }
    }
}

impl Course {
    fn to(entry: Entry) -> Self {
        match entry {
            Entry::Plain => Self::Plain,
            Entry::Workload { .. } if sabotage::skips_tunnels() => Self::Plain,
            entry @ Entry::Workload { .. } => Self::Tunnel(entry),
        }
    }
}

/// How many connections this proxy has open to each endpoint of services.
#[derive(Clone, Debug, Default)]
struct Loads(Arc<Mutex<HashMap<SocketAddr, u32>>>);

/// One connection to an endpoint, counted while this lives.
#[derive(Debug)]
pub struct Load {
    loads: Loads,
    endpoint: SocketAddr,
}

impl Loads {
    fn of(&self, endpoint: &Endpoint) -> u32 {
        self.lock().get(&endpoint.socket_address()).copied().unwrap_or_default()
    }

    fn take(&self, endpoint: SocketAddr) -> Load {
        *self.lock().entry(endpoint).or_default() += 1;
        Load { loads: self.clone(), endpoint }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, u32>> {
        // Every statement under the lock leaves it whole, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let mut loads = self.loads.lock();
        match loads.get_mut(&self.endpoint) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(loads.remove(&self.endpoint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_forgotten_with_their_connections() {
        let loads = Loads::default();
        let endpoint = Endpoint { address: [10, 9, 0, 2].into(), port: 80, weight: 1, ready: true };
        let (first, second) = (loads.take(endpoint.socket_address()), loads.take(endpoint.socket_address()));
        assert_eq!(loads.of(&endpoint), 2);
        drop(first);
        assert_eq!(loads.of(&endpoint), 1);
        drop(second);
        assert!(loads.lock().is_empty());
    }
}
