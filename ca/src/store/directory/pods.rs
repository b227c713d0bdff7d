//! The tables of a cluster's pods and their addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bulkhead_cluster::PodName;
use bulkhead_mesh::{InstanceId, NodeName};
use rusqlite::params;

use super::super::records::PodRecord;
use super::super::sql::{Row, stored_number, stored_time};
use super::super::{Snapshot, StoreError, Tx};
use super::owner::{Claim, owner};

impl Snapshot<'_> {
    /// The pod with this UID, if the directory has it.
    pub fn directory_pod(&self, uid: InstanceId) -> Result<Option<PodRecord>, StoreError> {
        let pod = "SELECT * FROM directory_pods WHERE uid = ?1";
        let found = self.sql.one(pod, params![uid.as_bytes()], read_pod)?;
        found.map(|pod| Ok(PodRecord { addresses: self.addresses_of(uid)?, ..pod })).transpose()
    }

    /// The pod that owns this address (see [`super::owner`]). A revoked node's word counts for nothing.
    pub fn pod_at(&self, address: IpAddr) -> Result<Option<PodRecord>, StoreError> {
        let claims = "SELECT directory_pods.*, nodes.name IS NOT NULL AS joined FROM directory_addresses
             JOIN directory_pods ON directory_pods.uid = directory_addresses.pod
             LEFT JOIN nodes ON nodes.name = directory_pods.node
             WHERE address = ?1 AND nodes.state IS NOT 'revoked' ORDER BY directory_addresses.rowid";
        let claims = self.sql.all(claims, params![address.to_canonical().to_string()], read_claim)?;
        owner(&claims).map_or(Ok(None), |owner| self.directory_pod(owner.pod))
    }

    /// The addresses that pods of this node claim.
    pub(super) fn addresses_on(&self, node: &NodeName) -> Result<Vec<IpAddr>, StoreError> {
        let on = "SELECT DISTINCT address FROM directory_addresses
             JOIN directory_pods ON directory_pods.uid = directory_addresses.pod WHERE node = ?1";
        self.sql.all(on, params![node.as_str()], |row| row.parsed("address"))
    }

    /// Every pod at this address.
    pub(super) fn pods_at(&self, address: IpAddr) -> Result<Vec<InstanceId>, StoreError> {
        let at = "SELECT pod FROM directory_addresses WHERE address = ?1";
        self.sql
            .all(at, params![address.to_canonical().to_string()], |row| row.bytes("pod").map(InstanceId::from_bytes))
    }

    /// The pods that this listing has not said.
    pub(super) fn pods_not_in(&self, listing: u64) -> Result<Vec<InstanceId>, StoreError> {
        let others = "SELECT uid FROM directory_pods WHERE listed <> ?1";
        self.sql.all(others, params![stored_number(listing)], |row| row.bytes("uid").map(InstanceId::from_bytes))
    }

    fn addresses_of(&self, uid: InstanceId) -> Result<BTreeSet<IpAddr>, StoreError> {
        let of = "SELECT address FROM directory_addresses WHERE pod = ?1";
        Ok(self.sql.all(of, params![uid.as_bytes()], |row| row.parsed("address"))?.into_iter().collect())
    }
}

impl Tx<'_> {
    /// Notes that this listing has said a pod which has not changed.
    pub(super) fn list_pod(&mut self, uid: InstanceId, listing: u64) -> Result<(), StoreError> {
        let list = "UPDATE directory_pods SET listed = ?2 WHERE uid = ?1";
        self.sql.run(list, params![uid.as_bytes(), stored_number(listing)]).map(drop)
    }

    /// Writes a pod that is new or has changed.
    pub(super) fn put_directory_pod(&mut self, pod: &PodRecord, listing: u64) -> Result<(), StoreError> {
        self.sql.run(
            "INSERT INTO directory_pods (uid, namespace, name, workload, node, sidecar, created, leaving, written, listed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(written), 0) + 1 FROM directory_pods), ?9)
             ON CONFLICT (uid) DO UPDATE SET namespace = excluded.namespace, name = excluded.name,
                 workload = excluded.workload, node = excluded.node, sidecar = excluded.sidecar,
                 created = excluded.created, leaving = excluded.leaving, written = excluded.written,
                 listed = excluded.listed",
            params![
                pod.uid.as_bytes(),
                pod.name.namespace(),
                pod.name.name(),
                pod.workload.to_string(),
                pod.node.as_str(),
                pod.has_sidecar,
                stored_time(pod.created),
                pod.is_leaving,
                stored_number(listing),
            ],
        )?;
        self.claim(pod)
    }

    /// Writes a pod's addresses; those that it had keep their place before the claims of others.
    fn claim(&mut self, pod: &PodRecord) -> Result<(), StoreError> {
        let (had, uid) = (self.addresses_of(pod.uid)?, pod.uid.as_bytes());
        had.difference(&pod.addresses).try_for_each(|address| {
            let delete = "DELETE FROM directory_addresses WHERE address = ?1 AND pod = ?2";
            self.sql.run(delete, params![address.to_string(), uid]).map(drop)
        })?;
        pod.addresses.difference(&had).try_for_each(|address| {
            let insert = "INSERT INTO directory_addresses (address, pod) VALUES (?1, ?2)";
            self.sql.run(insert, params![address.to_string(), uid]).map(drop)
        })
    }

    /// What pods of this node claim counts as claimed just now: whoever owns an address keeps it.
    pub(in crate::store) fn claim_anew(&mut self, node: &NodeName) -> Result<(), StoreError> {
        let anew = "REPLACE INTO directory_addresses (address, pod)
             SELECT address, pod FROM directory_addresses
             JOIN directory_pods ON directory_pods.uid = directory_addresses.pod
             WHERE node = ?1 ORDER BY directory_addresses.rowid";
        self.sql.run(anew, params![node.as_str()]).map(drop)
    }

    /// Takes a pod out.
    pub(super) fn remove_directory_pod(&mut self, uid: InstanceId) -> Result<(), StoreError> {
        self.sql.run("DELETE FROM directory_pods WHERE uid = ?1", params![uid.as_bytes()]).map(drop)
    }
}

fn read_pod(row: &Row<'_>) -> Result<PodRecord, StoreError> {
    let (namespace, name): (String, String) = (row.value("namespace")?, row.value("name")?);
    Ok(PodRecord {
        uid: InstanceId::from_bytes(row.bytes("uid")?),
        name: PodName::new(&namespace, &name).map_err(|source| StoreError::corrupt("name", source))?,
        workload: row.parsed("workload")?,
        node: row.parsed("node")?,
        addresses: BTreeSet::new(),
        has_sidecar: row.value("sidecar")?,
        created: row.time("created")?,
        is_leaving: row.value("leaving")?,
    })
}

fn read_claim(row: &Row<'_>) -> Result<Claim, StoreError> {
    Ok(Claim {
        pod: InstanceId::from_bytes(row.bytes("uid")?),
        node: row.parsed("node")?,
        is_of_the_mesh: row.value("joined")?,
        is_leaving: row.value("leaving")?,
        created: row.time("created")?,
        written: row.number("written")?,
    })
}
