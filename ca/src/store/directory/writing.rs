//! What the directory source writes, one transaction each: listings, and changes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bulkhead_mesh::InstanceId;
use rusqlite::params;

use super::super::records::DirectoryChange;
use super::super::sql::stored_number;
use super::super::{Snapshot, StoreError, Tx};
use super::Standing;

/// One listing of a cluster, from its begin until a newer one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing(u64);

/// Why a change of the directory was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ListingRefusal {
    #[error("a newer stream writes the directory")]
    Superseded,
}

impl Snapshot<'_> {
    fn listing(&self) -> Result<u64, StoreError> {
        let read = "SELECT value FROM meta WHERE key = 'directory_listing'";
        Ok(self.sql.one(read, params![], |row| row.number("value"))?.unwrap_or(0))
    }
}

impl Tx<'_> {
    /// Begins a listing; from here on an older one may write nothing.
    pub fn begin_listing(&mut self) -> Result<Listing, StoreError> {
        let next = self.listing()? + 1;
        let set = "UPDATE meta SET value = ?1 WHERE key = 'directory_listing'";
        self.sql.run(set, params![stored_number(next)])?;
        Ok(Listing(next))
    }

    /// Changes the directory. The addresses at which something else stands from now on get their next version, and no
    /// other address does.
    pub fn write_directory(&mut self, Listing(listing): Listing, change: &DirectoryChange) -> Result<(), StoreError> {
        if self.listing()? != listing {
            return Err(ListingRefusal::Superseded.into());
        }
        self.write_pods(listing, change)?;
        change.services.iter().try_for_each(|service| self.put_cluster_service(service, listing))?;
        change.gone_services.iter().try_for_each(|name| self.remove_cluster_service(name))?;
        if change.complete {
            let unsaid = self.services_not_in(listing)?;
            unsaid.iter().try_for_each(|name| self.remove_cluster_service(name))?;
        }
        Ok(())
    }

    fn write_pods(&mut self, listing: u64, change: &DirectoryChange) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        let mut concerned = BTreeSet::new();
        for pod in &change.pods {
            let known = self.directory_pod(pod.uid)?;
            if known.as_ref() == Some(pod) {
                self.list_pod(pod.uid, listing)?;
            } else {
                concerned.extend(known.into_iter().flat_map(|known| known.addresses).chain(pod.addresses.clone()));
                changed.push(pod);
            }
        }
        let gone = self.gone_pods(listing, change, &changed.iter().map(|pod| pod.uid).collect())?;
        for uid in &gone {
            concerned.extend(self.directory_pod(*uid)?.into_iter().flat_map(|known| known.addresses));
        }
        let before = self.standing_at(&concerned)?;
        changed.into_iter().try_for_each(|pod| self.put_directory_pod(pod, listing))?;
        for uid in gone {
            self.end_pod(uid)?;
            self.remove_directory_pod(uid)?;
        }
        concerned.iter().try_for_each(|address| self.end_other_pods(*address))?;
        for (address, stood) in before {
            if self.stands_at(address)? != stood {
                self.touch(address)?;
            }
        }
        Ok(())
    }

    /// The pods that are named as gone, and, once a listing is whole, those that it has not said.
    fn gone_pods(
        &self,
        listing: u64,
        change: &DirectoryChange,
        changed: &BTreeSet<InstanceId>,
    ) -> Result<BTreeSet<InstanceId>, StoreError> {
        let mut gone: BTreeSet<InstanceId> = change.gone_pods.iter().copied().collect();
        if change.complete {
            gone.extend(self.pods_not_in(listing)?.into_iter().filter(|uid| !changed.contains(uid)));
        }
        Ok(gone)
    }

    fn standing_at(&self, addresses: &BTreeSet<IpAddr>) -> Result<BTreeMap<IpAddr, Standing>, StoreError> {
        addresses.iter().map(|address| Ok((*address, self.stands_at(*address)?))).collect()
    }

    /// Ends the pods that live at this address and do not own it, at once: there is no moment in which the one before is
    /// believed. Where it is one more address of theirs, they only are not found there.
    fn end_other_pods(&mut self, address: IpAddr) -> Result<(), StoreError> {
        let Some(owner) = self.pod_at(address)? else { return Ok(()) };
        for other in self.pods_at(address)?.into_iter().filter(|uid| *uid != owner.uid) {
            if self.registration(other)?.is_some_and(|registered| registered.address == address) {
                self.end_pod(other)?;
            }
        }
        Ok(())
    }
}
