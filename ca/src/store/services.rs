//! The tables of services and their ports.

use std::net::IpAddr;

use bulkhead_mesh::{ServiceName, WorkloadName};
use rusqlite::params;

use super::records::{AddressOwner, PortTarget, ServiceRecord};
use super::sql::{Row, stored_time};
use super::{Snapshot, StoreError, Tx};

/// Why a service was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ServiceRefusal {
    #[error("service `{name}` exists already")]
    Exists { name: ServiceName },
    #[error("{address} belongs to {owner}")]
    AddressTaken { address: IpAddr, owner: AddressOwner },
    #[error("service `{name}` needs at least one port, each listed once, from 1 to 65535 at both ends")]
    Ports { name: ServiceName },
    #[error("there is no service `{name}`")]
    Unknown { name: ServiceName },
}

impl Snapshot<'_> {
    /// The service with this name.
    pub fn service(&self, name: &ServiceName) -> Result<Option<ServiceRecord>, StoreError> {
        let found = self.sql.one("SELECT * FROM services WHERE name = ?1", params![name.as_str()], read_service)?;
        found.map(|service| self.with_ports(service)).transpose()
    }

    /// The service at this virtual address.
    pub fn service_at(&self, address: IpAddr) -> Result<Option<ServiceRecord>, StoreError> {
        let at = params![address.to_canonical().to_string()];
        let found = self.sql.one("SELECT * FROM services WHERE address = ?1", at, read_service)?;
        found.map(|service| self.with_ports(service)).transpose()
    }

    /// Every service, by name.
    pub fn services(&self) -> Result<Vec<ServiceRecord>, StoreError> {
        let found = self.sql.all("SELECT * FROM services ORDER BY name", params![], read_service)?;
        found.into_iter().map(|service| self.with_ports(service)).collect()
    }

    /// The services for which this workload answers.
    pub fn services_of(&self, workload: &WorkloadName) -> Result<Vec<ServiceRecord>, StoreError> {
        let of = "SELECT * FROM services WHERE workload = ?1 ORDER BY name";
        let found = self.sql.all(of, params![workload.to_string()], read_service)?;
        found.into_iter().map(|service| self.with_ports(service)).collect()
    }

    fn with_ports(&self, service: ServiceRecord) -> Result<ServiceRecord, StoreError> {
        let ports = "SELECT port, target FROM service_ports WHERE service = ?1 ORDER BY port";
        let read = |row: &Row<'_>| Ok(PortTarget { port: row.number("port")?, target: row.number("target")? });
        Ok(ServiceRecord { ports: self.sql.all(ports, params![service.name.as_str()], read)?, ..service })
    }
}

impl Tx<'_> {
    /// Creates a service at an address that nobody owns.
    pub fn create_service(&mut self, new: &ServiceRecord) -> Result<(), StoreError> {
        if self.service(&new.name)?.is_some() {
            return Err(ServiceRefusal::Exists { name: new.name.clone() }.into());
        }
        if !valid_ports(&new.ports) {
            return Err(ServiceRefusal::Ports { name: new.name.clone() }.into());
        }
        if let Some(owner) = self.owner_of(new.address)? {
            return Err(ServiceRefusal::AddressTaken { address: new.address, owner }.into());
        }
        self.write_service(new)?;
        self.touch(new.address)
    }

    fn write_service(&mut self, new: &ServiceRecord) -> Result<(), StoreError> {
        let (name, address) = (new.name.as_str(), new.address.to_canonical().to_string());
        self.sql.run(
            "INSERT INTO services (name, address, workload, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![name, address, new.workload.to_string(), stored_time(new.created_at)],
        )?;
        for port in &new.ports {
            let insert = "INSERT INTO service_ports (service, port, target) VALUES (?1, ?2, ?3)";
            self.sql.run(insert, params![name, port.port, port.target])?;
        }
        Ok(())
    }

    /// Removes a service; the one that it was.
    pub fn remove_service(&mut self, name: &ServiceName) -> Result<ServiceRecord, StoreError> {
        let old = self.service(name)?.ok_or_else(|| ServiceRefusal::Unknown { name: name.clone() })?;
        self.sql.run("DELETE FROM services WHERE name = ?1", params![name.as_str()])?;
        self.touch(old.address)?;
        Ok(old)
    }
}

fn valid_ports(ports: &[PortTarget]) -> bool {
    let repeated = |position: usize| ports[..position].iter().any(|other| other.port == ports[position].port);
    let sound = |(position, port): (usize, &PortTarget)| port.port != 0 && port.target != 0 && !repeated(position);
    !ports.is_empty() && ports.iter().enumerate().all(sound)
}

fn read_service(row: &Row<'_>) -> Result<ServiceRecord, StoreError> {
    Ok(ServiceRecord {
        name: row.parsed("name")?,
        address: row.parsed("address")?,
        workload: row.parsed("workload")?,
        ports: Vec::new(),
        created_at: row.time("created_at")?,
    })
}
