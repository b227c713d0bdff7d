//! What stands at an address, and which addresses have changed.

mod owner;
mod pods;
mod services;
mod writing;

use std::net::IpAddr;

use bulkhead_mesh::NodeName;
use rusqlite::params;

pub use writing::{Listing, ListingRefusal};

use super::records::{
    AddressOwner, ClusterServiceRecord, PodRecord, RegistrationRecord, RegistrationState, ServiceRecord, Source,
};
use super::sql::stored_number;
use super::{Snapshot, StoreError, Tx};

/// What stands at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A registered workload, or a pod with a sidecar that has a certificate.
    Workload(RegistrationRecord),
    /// A pod without a sidecar.
    Plain,
    /// A service, with the living copies of its workload.
    Service(ServiceRecord, Vec<RegistrationRecord>),
    /// A service of a cluster.
    ClusterService(ClusterServiceRecord),
    /// Nothing that the CA knows of, or a pod whose sidecar has proved nothing yet.
    Nothing,
}

impl Snapshot<'_> {
    /// What stands at this address.
    pub fn stands_at(&self, address: IpAddr) -> Result<Standing, StoreError> {
        if let Some(copy) = self.registration_at(address)? {
            return Ok(Standing::Workload(copy));
        }
        if let Some(service) = self.service_at(address)? {
            let endpoints = self.endpoints(&service.workload)?;
            return Ok(Standing::Service(service, endpoints));
        }
        // Before pods: the API server itself gives services their addresses, and a pod's are its node's word.
        if let Some(service) = self.cluster_service_at(address)? {
            return Ok(Standing::ClusterService(service));
        }
        self.pod_at(address)?.map_or(Ok(Standing::Nothing), |pod| self.pod_stands(&pod))
    }

    /// What a pod is for those who call its address: until its sidecar has a certificate, nobody.
    fn pod_stands(&self, pod: &PodRecord) -> Result<Standing, StoreError> {
        if !pod.has_sidecar {
            return Ok(Standing::Plain);
        }
        let living = |copy: &RegistrationRecord| {
            copy.source == Source::Pod && copy.state == RegistrationState::Registered && copy.workload == pod.workload
        };
        Ok(self.registration(pod.uid)?.filter(living).map_or(Standing::Nothing, Standing::Workload))
    }

    /// The version of what stands at this address: greater after each change of it; 0 if nothing ever stood there.
    pub fn address_version(&self, address: IpAddr) -> Result<u64, StoreError> {
        let version = "SELECT version FROM addresses WHERE address = ?1";
        let found = self.sql.one(version, params![address.to_canonical().to_string()], |row| row.number("version"))?;
        Ok(found.unwrap_or(0))
    }

    /// The newest version of any address.
    pub fn directory_version(&self) -> Result<u64, StoreError> {
        let newest = "SELECT coalesce(max(version), 0) AS version FROM addresses";
        Ok(self.sql.one(newest, params![], |row| row.number("version"))?.unwrap_or(0))
    }

    /// The addresses whose version is greater than this one, in the order of their latest changes.
    pub fn addresses_since(&self, version: u64) -> Result<Vec<(IpAddr, u64)>, StoreError> {
        let since = "SELECT address, version FROM addresses WHERE version > ?1 ORDER BY version";
        self.sql.all(since, params![stored_number(version)], |row| Ok((row.parsed("address")?, row.number("version")?)))
    }

    /// Who owns this address already.
    pub(super) fn owner_of(&self, address: IpAddr) -> Result<Option<AddressOwner>, StoreError> {
        if let Some(RegistrationRecord { workload, node, id, .. }) = self.registration_at(address)? {
            return Ok(Some(AddressOwner::Workload { workload, node: node.node, instance: id }));
        }
        Ok(self.service_at(address)?.map(|service| AddressOwner::Service(service.name)))
    }

    /// Who owns the address of this pod before it: an operator's registration or service, or another pod.
    pub(super) fn owner_before_pod(&self, pod: &RegistrationRecord) -> Result<Option<AddressOwner>, StoreError> {
        if let Some(owner) = self.owner_of(pod.address)? {
            return Ok(Some(owner));
        }
        // A pod that the directory does not know yet may be the rightful one: then its own word does not count yet either.
        let known = self.directory_pod(pod.id)?.is_some_and(|known| known.addresses.contains(&pod.address));
        let other = self.pod_at(pod.address)?.filter(|owner| known && owner.uid != pod.id);
        Ok(other.map(|PodRecord { workload, node, uid, .. }| AddressOwner::Workload { workload, node, instance: uid }))
    }
}

impl Tx<'_> {
    /// Gives this address the next version.
    pub(super) fn touch(&mut self, address: IpAddr) -> Result<(), StoreError> {
        self.sql.run(
            "INSERT INTO addresses (address, version)
             VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM addresses))
             ON CONFLICT (address) DO UPDATE SET version = excluded.version",
            params![address.to_canonical().to_string()],
        )?;
        Ok(())
    }

    /// A copy of a workload came or went: its own address changes, and that of each service it answers for.
    pub(super) fn touch_copy(&mut self, copy: &RegistrationRecord) -> Result<(), StoreError> {
        self.touch(copy.address)?;
        if let Some(pod) = self.directory_pod(copy.id)? {
            let others = pod.addresses.iter().filter(|address| **address != copy.address);
            others.copied().try_for_each(|address| self.touch(address))?;
        }
        let services = self.services_of(&copy.workload)?;
        services.iter().try_for_each(|service| self.touch(service.address))
    }

    /// The node's copies live or do so no more. Asked before they are ended: afterwards nobody knows them.
    pub(super) fn touch_copies_on(&mut self, node: &NodeName) -> Result<(), StoreError> {
        let copies = self.copies_on(node)?;
        copies.iter().try_for_each(|copy| self.touch_copy(copy))
    }

    /// Whatever pods of this node claim may be another's from now on, or nobody's.
    pub(super) fn touch_pods_on(&mut self, node: &NodeName) -> Result<(), StoreError> {
        let addresses = self.addresses_on(node)?;
        addresses.into_iter().try_for_each(|address| self.touch(address))
    }
}
