//! The table of registrations: which workload stands where. First owner wins among those that operators made; of pods, the
//! directory says which owns an address (see [`super::directory`]).

use std::net::IpAddr;

use bulkhead_mesh::{Epoch, InstanceId, Label, NodeEpoch, NodeName, Timestamp, WorkloadName};
use rusqlite::params;

use super::records::{AddressOwner, RegistrationRecord, RegistrationState, Source};
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
    #[error("registration {id} is that of a pod of `{workload}`, which made it itself")]
    OfPod { id: InstanceId, workload: WorkloadName },
}

impl RegistrationRefusal {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::AddressTaken { .. } => Some("the first owner keeps an address until it is removed"),
            Self::OfPod { .. } => {
                Some("delete the pod, or revoke its node: a pod that goes on would register itself again")
            }
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

    /// The registrations that operators made on this node, and that count: what its agent is to know.
    pub fn registrations_on(&self, node: &NodeName) -> Result<Vec<RegistrationRecord>, StoreError> {
        let of_operators = |copy: &RegistrationRecord| copy.source == Source::Operator;
        Ok(self.copies_on(node)?.into_iter().filter(of_operators).collect())
    }

    /// The registrations that count on this node, whoever made them.
    pub(super) fn copies_on(&self, node: &NodeName) -> Result<Vec<RegistrationRecord>, StoreError> {
        let on = "SELECT * FROM registrations WHERE node = ?1 AND revoked_at IS NULL ORDER BY workload, address";
        self.sql.all(on, params![node.as_str()], read_registration)
    }

    /// The pods that have certificates, on nodes in any state.
    pub fn pods(&self) -> Result<Vec<RegistrationRecord>, StoreError> {
        let pods = "SELECT * FROM registrations WHERE source = 'pod' AND revoked_at IS NULL ORDER BY workload, id";
        self.sql.all(pods, params![], read_registration)
    }

    /// Until when certificates of this instance were cut off when its label changed: none from before is worth anything.
    pub fn void_before(&self, id: InstanceId) -> Result<Timestamp, StoreError> {
        let before = "SELECT void_before FROM registrations WHERE id = ?1";
        let found = self.sql.one(before, params![id.as_bytes()], |row| row.time_or_null("void_before"))?;
        Ok(found.flatten().unwrap_or(Timestamp::EPOCH))
    }

    /// The operator's registration that owns this address.
    pub fn registration_at(&self, address: IpAddr) -> Result<Option<RegistrationRecord>, StoreError> {
        let at = "SELECT * FROM registrations WHERE address = ?1 AND revoked_at IS NULL AND source = 'operator'";
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

    /// Puts a pod that proved itself on record, or brings its record up to date; what was on record before. One whose
    /// address belongs to somebody else is refused: to an operator's registration or service, or to another pod.
    pub fn put_pod(&mut self, pod: &RegistrationRecord) -> Result<Option<RegistrationRecord>, StoreError> {
        self.admitted_node(&pod.node)?;
        let known = self.registration(pod.id)?;
        if known.as_ref().is_some_and(|known| known.source != Source::Pod) {
            return Err(RegistrationRefusal::Exists { id: pod.id }.into());
        }
        if let Some(owner) = self.owner_before_pod(pod)? {
            return Err(RegistrationRefusal::AddressTaken { address: pod.address, owner }.into());
        }
        let Some(known) = known else {
            self.write_registration(pod)?;
            self.touch_copy(pod)?;
            return Ok(None);
        };
        self.sql.run(
            "UPDATE registrations SET label = ?2, node = ?3, epoch = ?4, address = ?5, revoked_at = NULL WHERE id = ?1",
            params![
                pod.id.as_bytes(),
                pod.label.to_string(),
                pod.node.node.as_str(),
                pod.node.epoch.number(),
                pod.address.to_canonical().to_string(),
            ],
        )?;
        // A label stands in no answer, so that another one changes nothing at an address.
        if (known.address, &known.node, known.state) != (pod.address, &pod.node, pod.state) {
            self.touch_copy(&known)?;
            self.touch_copy(pod)?;
        }
        Ok(Some(known))
    }

    /// Gives a pod another label: what it was issued before `void_before` is worth nothing.
    pub fn relabel_pod(&mut self, id: InstanceId, label: &Label, void_before: Timestamp) -> Result<(), StoreError> {
        let set = "UPDATE registrations SET label = ?2, void_before = ?3 WHERE id = ?1 AND source = 'pod'";
        match self.sql.run(set, params![id.as_bytes(), label.to_string(), stored_time(void_before)])? {
            0 => Err(RegistrationRefusal::Unknown { id }.into()),
            _ => Ok(()),
        }
    }

    /// Ends a pod's registration, if it has one. Nothing is cut off: its certificates are short, and as soon as its
    /// address is another's no entry matches them.
    pub fn end_pod(&mut self, id: InstanceId) -> Result<bool, StoreError> {
        let Some(ended) = self.registration(id)?.filter(|known| known.source == Source::Pod) else { return Ok(false) };
        self.touch_copy(&ended)?;
        self.sql.run("DELETE FROM registrations WHERE id = ?1", params![id.as_bytes()])?;
        Ok(true)
    }

    /// Ends the pods that the directory does not know and whose last certificate had ended at `until`: they came and
    /// went while nobody wrote the directory. How many.
    pub fn end_lapsed_pods(&mut self, until: Timestamp) -> Result<usize, StoreError> {
        let lapsed = "SELECT id FROM registrations WHERE source = 'pod'
             AND NOT EXISTS (SELECT 1 FROM directory_pods WHERE uid = registrations.id)
             AND NOT EXISTS (SELECT 1 FROM certificates WHERE instance = registrations.id AND not_after >= ?1)";
        let read = |row: &Row<'_>| row.bytes("id").map(InstanceId::from_bytes);
        let lapsed = self.sql.all(lapsed, params![stored_time(until)], read)?;
        lapsed.iter().try_for_each(|id| self.end_pod(*id).map(drop))?;
        Ok(lapsed.len())
    }

    fn write_registration(&mut self, new: &RegistrationRecord) -> Result<(), StoreError> {
        let revoked_at = match new.state {
            RegistrationState::Registered => None,
            RegistrationState::Revoked { at } => Some(stored_time(at)),
        };
        self.sql.run(
            "INSERT INTO registrations
                 (id, workload, label, node, epoch, address, uid, gid, registered_at, revoked_at, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
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
                new.source.as_str(),
            ],
        )?;
        Ok(())
    }

    /// Removes a registration that an operator made, for good; the one that it was.
    pub fn remove_registration(&mut self, id: InstanceId) -> Result<RegistrationRecord, StoreError> {
        let old = self.registration(id)?.ok_or(RegistrationRefusal::Unknown { id })?;
        if old.source == Source::Pod {
            return Err(RegistrationRefusal::OfPod { id, workload: old.workload }.into());
        }
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
        source: row.parsed("source")?,
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
