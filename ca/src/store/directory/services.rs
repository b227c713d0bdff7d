//! The tables of a cluster's services and their addresses.

use std::net::IpAddr;

use bulkhead_mesh::ServiceName;
use rusqlite::params;

use super::super::records::ClusterServiceRecord;
use super::super::sql::{Row, stored_number};
use super::super::{Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The cluster's service with this name.
    pub fn cluster_service(&self, name: &ServiceName) -> Result<Option<ClusterServiceRecord>, StoreError> {
        let named = "SELECT * FROM directory_services WHERE name = ?1";
        let found = self.sql.one(named, params![name.as_str()], read_service)?;
        found.map(|service| self.with_cluster_addresses(service)).transpose()
    }

    /// The cluster's service at this address.
    pub fn cluster_service_at(&self, address: IpAddr) -> Result<Option<ClusterServiceRecord>, StoreError> {
        let at = "SELECT directory_services.* FROM directory_service_addresses
             JOIN directory_services ON directory_services.name = directory_service_addresses.service
             WHERE address = ?1";
        let found = self.sql.one(at, params![address.to_canonical().to_string()], read_service)?;
        found.map(|service| self.with_cluster_addresses(service)).transpose()
    }

    /// The services that this listing has not said.
    pub(super) fn services_not_in(&self, listing: u64) -> Result<Vec<ServiceName>, StoreError> {
        let others = "SELECT name FROM directory_services WHERE listed <> ?1";
        self.sql.all(others, params![stored_number(listing)], |row| row.parsed("name"))
    }

    fn with_cluster_addresses(&self, service: ClusterServiceRecord) -> Result<ClusterServiceRecord, StoreError> {
        let of = "SELECT address FROM directory_service_addresses WHERE service = ?1";
        let addresses = self.sql.all(of, params![service.name.as_str()], |row| row.parsed("address"))?;
        Ok(ClusterServiceRecord { addresses: addresses.into_iter().collect(), ..service })
    }
}

impl Tx<'_> {
    /// Writes a service if it is new or has changed; else only notes that this listing has said it.
    pub(super) fn put_cluster_service(&mut self, new: &ClusterServiceRecord, listing: u64) -> Result<(), StoreError> {
        let known = self.cluster_service(&new.name)?;
        if known.as_ref() == Some(new) {
            let list = "UPDATE directory_services SET listed = ?2 WHERE name = ?1";
            return self.sql.run(list, params![new.name.as_str(), stored_number(listing)]).map(drop);
        }
        let ports = serde_json::to_string(&new.ports).expect("ports are numbers and addresses under textual keys");
        self.sql.run(
            "INSERT INTO directory_services (name, ports, listed) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET ports = excluded.ports, listed = excluded.listed",
            params![new.name.as_str(), ports, stored_number(listing)],
        )?;
        self.sql.run("DELETE FROM directory_service_addresses WHERE service = ?1", params![new.name.as_str()])?;
        for address in &new.addresses {
            // An address that a service which is going had is the new one's: a cluster gives it to one at a time.
            let take = "INSERT INTO directory_service_addresses (address, service) VALUES (?1, ?2)
                 ON CONFLICT (address) DO UPDATE SET service = excluded.service";
            self.sql.run(take, params![address.to_canonical().to_string(), new.name.as_str()])?;
        }
        let old = known.map(|known| known.addresses).unwrap_or_default();
        old.union(&new.addresses).copied().try_for_each(|address| self.touch(address))
    }

    /// Takes a service out, if it is there.
    pub(super) fn remove_cluster_service(&mut self, name: &ServiceName) -> Result<(), StoreError> {
        let Some(known) = self.cluster_service(name)? else { return Ok(()) };
        self.sql.run("DELETE FROM directory_services WHERE name = ?1", params![name.as_str()])?;
        known.addresses.into_iter().try_for_each(|address| self.touch(address))
    }
}

fn read_service(row: &Row<'_>) -> Result<ClusterServiceRecord, StoreError> {
    let ports: String = row.value("ports")?;
    Ok(ClusterServiceRecord {
        name: row.parsed("name")?,
        addresses: std::collections::BTreeSet::new(),
        ports: serde_json::from_str(&ports).map_err(|source| StoreError::corrupt("ports", source))?,
    })
}
