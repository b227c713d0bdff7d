//! The table of nodes.

mod life;
mod orders;
mod refusal;

use bulkhead_cluster::Uid;
use bulkhead_mesh::{Epoch, NodeEpoch, NodeName, Reason, Serial, SpkiDigest, Timestamp};
use rusqlite::params;

pub use refusal::NodeRefusal;

use super::records::{Clearance, NodeRecord, NodeState};
use super::sql::{Row, stored_list, stored_time};
use super::{Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The node with this name, in any state.
    pub fn node(&self, name: &NodeName) -> Result<Option<NodeRecord>, StoreError> {
        self.sql.one("SELECT * FROM nodes WHERE name = ?1", params![name.as_str()], read_node)
    }

    /// Every node, by name.
    pub fn nodes(&self) -> Result<Vec<NodeRecord>, StoreError> {
        self.sql.all("SELECT * FROM nodes ORDER BY name", params![], read_node)
    }

    /// The node of this life, if the CA serves it: to be asked again inside the transaction that issues.
    pub fn admitted_node(&self, life: &NodeEpoch) -> Result<NodeRecord, StoreError> {
        let node = self.known_node(&life.node)?;
        if node.life.epoch != life.epoch {
            let (current, claimed) = (node.life.epoch, life.epoch);
            return Err(NodeRefusal::OtherEpoch { node: node.life.node, current, claimed }.into());
        }
        node.refuse_unless_admitted()?;
        Ok(node)
    }

    /// The node with this name, if the CA serves it.
    pub fn admitted_node_named(&self, name: &NodeName) -> Result<NodeRecord, StoreError> {
        let node = self.known_node(name)?;
        node.refuse_unless_admitted()?;
        Ok(node)
    }

    /// A revoked node that had this UID in its cluster.
    pub fn revoked_node_with_uid(&self, uid: Uid) -> Result<Option<NodeRecord>, StoreError> {
        let with = "SELECT * FROM nodes WHERE cluster_uid = ?1 AND state = 'revoked' LIMIT 1";
        self.sql.one(with, params![uid.as_bytes()], read_node)
    }

    pub(super) fn known_node(&self, name: &NodeName) -> Result<NodeRecord, StoreError> {
        self.node(name)?.ok_or_else(|| NodeRefusal::Unknown { node: name.clone() }.into())
    }
}

impl Tx<'_> {
    fn put_node(&mut self, node: &NodeRecord) -> Result<NodeRecord, StoreError> {
        let (at, reason) = node.state.details();
        self.sql.run(
            "INSERT INTO nodes (name, epoch, ceiling, floor, addresses, key, admitted_at, state, state_at, reason,
                                current_serial, next_serial, cluster_uid, clearance_ordered)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, ceiling = excluded.ceiling,
                 floor = excluded.floor, addresses = excluded.addresses, key = excluded.key,
                 admitted_at = excluded.admitted_at, state = excluded.state, state_at = excluded.state_at,
                 reason = excluded.reason, current_serial = excluded.current_serial,
                 next_serial = excluded.next_serial, cluster_uid = excluded.cluster_uid,
                 clearance_ordered = excluded.clearance_ordered",
            params![
                node.life.node.as_str(),
                node.life.epoch.number(),
                node.clearance.ceiling.to_string(),
                node.clearance.floor.as_ref().map(ToString::to_string),
                stored_list(&node.addresses),
                node.key.as_bytes(),
                stored_time(node.admitted_at),
                node.state.as_str(),
                at.map(stored_time),
                reason.map(Reason::as_str),
                node.current_serial.as_ref().map(Serial::as_bytes),
                node.next_serial.as_ref().map(Serial::as_bytes),
                node.cluster_uid.as_ref().map(Uid::as_bytes),
                node.is_ordered,
            ],
        )?;
        Ok(node.clone())
    }
}

impl NodeState {
    fn details(&self) -> (Option<Timestamp>, Option<&Reason>) {
        match self {
            Self::Admitted => (None, None),
            Self::Quarantined { at, reason } | Self::Revoked { at, reason } => (Some(*at), Some(reason)),
        }
    }
}

fn read_node(row: &Row<'_>) -> Result<NodeRecord, StoreError> {
    Ok(NodeRecord {
        life: NodeEpoch { node: row.parsed("name")?, epoch: Epoch::new(row.number("epoch")?) },
        clearance: read_clearance(row)?,
        is_ordered: row.value("clearance_ordered")?,
        addresses: row.list("addresses")?,
        key: SpkiDigest::from_bytes(row.bytes("key")?),
        admitted_at: row.time("admitted_at")?,
        state: read_state(row)?,
        current_serial: row.bytes_or_null("current_serial")?.map(Serial::from_bytes),
        next_serial: row.bytes_or_null("next_serial")?.map(Serial::from_bytes),
        cluster_uid: row.bytes_or_null("cluster_uid")?.map(Uid::from_bytes),
    })
}

pub(super) fn read_clearance(row: &Row<'_>) -> Result<Clearance, StoreError> {
    Ok(Clearance { ceiling: row.parsed("ceiling")?, floor: row.parsed_or_null("floor")? })
}

fn read_state(row: &Row<'_>) -> Result<NodeState, StoreError> {
    match row.value::<String>("state")?.as_str() {
        "admitted" => Ok(NodeState::Admitted),
        "quarantined" => Ok(NodeState::Quarantined { at: row.time("state_at")?, reason: row.parsed("reason")? }),
        // The table's own check leaves only this one.
        _ => Ok(NodeState::Revoked { at: row.time("state_at")?, reason: row.parsed("reason")? }),
    }
}
