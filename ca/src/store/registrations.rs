//! The table of registrations: which workload stands where, first owner wins.

use std::net::IpAddr;

use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch, NodeName, Timestamp, WorkloadName};
use rusqlite::params;

use super::records::{AddressOwner, RegistrationRecord, RegistrationState};
use super::sql::{Row, stored_time};
use super::{Snapshot, StoreError, Tx};

/// Why a registration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum RegistrationRefusal {
    #[error("{address} belongs to {owner}")]
    AddressTaken { address: IpAddr, owner: AddressOwner },
    #[error("registration {id} exists already")]
    Exists { id: InstanceId },
    #[error("there is no registration {id}")]
    Unknown { id: InstanceId },
}

impl RegistrationRefusal {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::AddressTaken { .. } => Some("the first owner keeps an address until it is removed"),
            Self::Unknown { .. } => Some("`bulkhead workload list` shows them all"),
            Self::Exists { .. } => None,
        }
    }
}

impl Snapshot<'_> {
    /// Every registration, those of revoked nodes included, by account and address.
    pub fn registrations(&self) -> Result<Vec<RegistrationRecord>, StoreError> {
        let all = "SELECT * FROM registrations ORDER BY workload, node, address, id";
        self.sql.all(all, params![], read_registration)
    }

    /// The registration with this id, in any state.
    pub fn registration(&self, id: InstanceId) -> Result<Option<RegistrationRecord>, StoreError> {
        self.sql.one("SELECT * FROM registrations WHERE id = ?1", params![id.as_bytes()], read_registration)
    }

    /// The registrations that count on this node.
    pub fn registrations_on(&self, node: &NodeName) -> Result<Vec<RegistrationRecord>, StoreError> {
        let on = "SELECT * FROM registrations WHERE node = ?1 AND revoked_at IS NULL ORDER BY workload, address";
        self.sql.all(on, params![node.as_str()], read_registration)
    }

    /// The registration that owns this address.
    pub fn registration_at(&self, address: IpAddr) -> Result<Option<RegistrationRecord>, StoreError> {
        let at = "SELECT * FROM registrations WHERE address = ?1 AND revoked_at IS NULL";
        self.sql.one(at, params![address.to_canonical().to_string()], read_registration)
    }

    /// Every living workload instance: registered, in the present life of a node that the CA serves.
    pub fn living_instances(&self) -> Result<Vec<RegistrationRecord>, StoreError> {
        let living = "SELECT registrations.* FROM registrations JOIN nodes ON nodes.name = registrations.node
             WHERE revoked_at IS NULL AND nodes.state = 'admitted' AND nodes.epoch = registrations.epoch
             ORDER BY workload, address";
        self.sql.all(living, params![], read_registration)
    }

    /// The living instances of one workload: what answers for a service.
    pub fn endpoints(&self, workload: &WorkloadName) -> Result<Vec<RegistrationRecord>, StoreError> {
        let living = "SELECT registrations.* FROM registrations JOIN nodes ON nodes.name = registrations.node
             WHERE workload = ?1 AND revoked_at IS NULL AND nodes.state = 'admitted'
                   AND nodes.epoch = registrations.epoch
             ORDER BY address";
        self.sql.all(living, params![workload.to_string()], read_registration)
    }
}

impl Tx<'_> {
    /// Registers a workload on an admitted node, at an address that nobody owns. Whether the node may run its label is
    /// the caller's question.
    pub fn insert_registration(&mut self, new: &RegistrationRecord) -> Result<(), StoreError> {
        self.admitted_node(&new.node)?;
        if self.registration(new.id)?.is_some() {
            return Err(RegistrationRefusal::Exists { id: new.id }.into());
        }
        if let Some(owner) = self.owner_of(new.address)? {
            return Err(RegistrationRefusal::AddressTaken { address: new.address, owner }.into());
        }
        self.write_registration(new)?;
        self.touch_copy(new)
    }

    fn write_registration(&mut self, new: &RegistrationRecord) -> Result<(), StoreError> {
        let revoked_at = match new.state {
            RegistrationState::Registered => None,
            RegistrationState::Revoked { at } => Some(stored_time(at)),
        };
        self.sql.run(
            "INSERT INTO registrations
                 (id, workload, label, node, epoch, address, uid, gid, registered_at, revoked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                new.id.as_bytes(),
                new.workload.to_string(),
                new.label.to_string(),
                new.node.node.as_str(),
                new.node.epoch.number(),
                new.address.to_canonical().to_string(),
                new.uid,
                new.gid,
                stored_time(new.registered_at),
                revoked_at,
            ],
        )?;
        Ok(())
    }

    /// Removes a registration for good; the one that it was.
    pub fn remove_registration(&mut self, id: InstanceId) -> Result<RegistrationRecord, StoreError> {
        let old = self.registration(id)?.ok_or(RegistrationRefusal::Unknown { id })?;
        self.sql.run("DELETE FROM registrations WHERE id = ?1", params![id.as_bytes()])?;
        if old.state == RegistrationState::Registered {
            self.touch_copy(&old)?;
        }
        Ok(old)
    }

    pub(super) fn end_registrations(&mut self, node: &NodeName, at: Timestamp) -> Result<usize, StoreError> {
        let end = "UPDATE registrations SET revoked_at = ?2 WHERE node = ?1 AND revoked_at IS NULL";
        self.sql.run(end, params![node.as_str(), stored_time(at)])
    }
}

fn read_registration(row: &Row<'_>) -> Result<RegistrationRecord, StoreError> {
    let revoked_at = row.time_or_null("revoked_at")?;
    Ok(RegistrationRecord {
        id: InstanceId::from_bytes(row.bytes("id")?),
        workload: row.parsed("workload")?,
        label: row.parsed("label")?,
        node: NodeEpoch { node: row.parsed("node")?, epoch: Epoch::new(row.number("epoch")?) },
        address: row.parsed("address")?,
        uid: row.number("uid")?,
        gid: row.number("gid")?,
        registered_at: row.time("registered_at")?,
        state: revoked_at.map_or(RegistrationState::Registered, |at| RegistrationState::Revoked { at }),
    })
}
