//! The life of a node: admitted, noticed, quarantined, released, revoked.

use bulkhead_mesh::{Epoch, NodeEpoch, NodeName, Reason, Serial, SpkiDigest, Timestamp};

use super::NodeRefusal;
use crate::store::{Admission, NodeRecord, NodeState, Presented, StoreError, Tx};

impl Tx<'_> {
    /// Admits a new name in its first epoch, and an admitted one again.
    ///
    /// With the key that it has, an admitted node is left as it is (a reply was lost). With another one it gets that
    /// key, clearance and addresses if the evidence may do that. A revoked or quarantined name is refused.
    pub fn admit(&mut self, admission: &Admission) -> Result<NodeRecord, StoreError> {
        match self.node(&admission.node)? {
            None => {
                // Until now its word on its pods' addresses was the last.
                self.claim_anew(&admission.node)?;
                self.touch_pods_on(&admission.node)?;
                self.put_node(&NodeRecord::admitted(admission, Epoch::FIRST))
            }
            Some(known) => self.admit_again(known, admission),
        }
    }

    fn admit_again(&mut self, known: NodeRecord, admission: &Admission) -> Result<NodeRecord, StoreError> {
        known.refuse_unless_admitted()?;
        let same_object = admission.cluster_uid.is_none_or(|uid| known.cluster_uid == Some(uid));
        if known.key == admission.key && same_object {
            return Ok(known);
        }
        if !admission.may_rekey {
            return Err(NodeRefusal::OtherKey { node: known.life.node }.into());
        }
        let Admission { clearance, is_ordered, addresses, key, cluster_uid, .. } = admission.clone();
        let cluster_uid = cluster_uid.or(known.cluster_uid);
        self.put_node(&NodeRecord { clearance, is_ordered, addresses, key, cluster_uid, ..known })
    }

    /// Ends a node's life: the CA serves it no more, and its registrations own their addresses no more.
    pub fn revoke_node(&mut self, name: &NodeName, at: Timestamp, reason: &Reason) -> Result<NodeRecord, StoreError> {
        let node = self.known_node(name)?;
        if let NodeState::Revoked { .. } = node.state {
            node.refuse_unless_admitted()?;
        }
        self.touch_copies_on(name)?;
        self.touch_pods_on(name)?;
        self.end_registrations(name, at)?;
        self.put_node(&NodeRecord { state: NodeState::Revoked { at, reason: reason.clone() }, ..node })
    }

    /// Serves an admitted node no more until it is released.
    pub fn quarantine_node(
        &mut self,
        name: &NodeName,
        at: Timestamp,
        reason: &Reason,
    ) -> Result<NodeRecord, StoreError> {
        let node = self.known_node(name)?;
        node.refuse_unless_admitted()?;
        self.touch_copies_on(name)?;
        self.put_node(&NodeRecord { state: NodeState::Quarantined { at, reason: reason.clone() }, ..node })
    }

    /// Serves a quarantined node again.
    pub fn release_node(&mut self, name: &NodeName) -> Result<NodeRecord, StoreError> {
        let node = self.known_node(name)?;
        match node.state {
            NodeState::Quarantined { .. } => {}
            NodeState::Admitted => return Err(NodeRefusal::NotQuarantined { node: node.life.node }.into()),
            NodeState::Revoked { .. } => node.refuse_unless_admitted()?,
        }
        self.touch_copies_on(name)?;
        self.put_node(&NodeRecord { state: NodeState::Admitted, ..node })
    }

    /// Notes that a node's next certificate was issued, for this key.
    pub fn note_issued(&mut self, life: &NodeEpoch, serial: Serial, key: SpkiDigest) -> Result<(), StoreError> {
        let node = self.admitted_node(life)?;
        self.put_node(&NodeRecord { key, next_serial: Some(serial), ..node }).map(drop)
    }

    /// Notes which certificate an admitted node presented, and says which of its certificates that is.
    pub fn note_presented(&mut self, life: &NodeEpoch, serial: Serial) -> Result<Presented, StoreError> {
        let node = self.admitted_node(life)?;
        if node.current_serial == Some(serial) {
            return Ok(Presented::Current);
        }
        if node.next_serial != Some(serial) {
            return Ok(Presented::Superseded);
        }
        self.put_node(&NodeRecord { current_serial: Some(serial), next_serial: None, ..node })?;
        Ok(Presented::Next)
    }
}

impl NodeRecord {
    fn admitted(admission: &Admission, epoch: Epoch) -> Self {
        let Admission { node, clearance, is_ordered, addresses, key, at, may_rekey: _, cluster_uid } =
            admission.clone();
        Self {
            life: NodeEpoch { node, epoch },
            clearance,
            is_ordered,
            addresses,
            key,
            admitted_at: at,
            state: NodeState::Admitted,
            current_serial: None,
            next_serial: None,
            cluster_uid,
        }
    }
}
