//! The table of orders: nodes of a cluster that an operator lets in once they prove themselves.

use bulkhead_mesh::{NodeName, Timestamp};
use rusqlite::params;

use super::read_clearance;
use crate::store::sql::{Row, stored_time};
use crate::store::{NodeOrder, Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The order for this name, in any state.
    pub fn node_order(&self, node: &NodeName) -> Result<Option<NodeOrder>, StoreError> {
        self.sql.one("SELECT * FROM node_orders WHERE node = ?1", params![node.as_str()], read_order)
    }
}

impl Tx<'_> {
    /// Keeps an order; a newer one for the same name replaces it. A name that is revoked or in quarantine is refused.
    pub fn order_node(&mut self, order: &NodeOrder) -> Result<(), StoreError> {
        if let Some(known) = self.node(&order.node)? {
            known.refuse_unless_admitted()?;
        }
        self.sql.run(
            "INSERT INTO node_orders (node, ceiling, floor, expires, may_loosen) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (node) DO UPDATE SET ceiling = excluded.ceiling, floor = excluded.floor,
                 expires = excluded.expires, may_loosen = excluded.may_loosen",
            params![
                order.node.as_str(),
                order.clearance.ceiling.to_string(),
                order.clearance.floor.as_ref().map(ToString::to_string),
                stored_time(order.expires),
                order.may_loosen,
            ],
        )?;
        Ok(())
    }

    /// Takes the order for this name, if there is one that is worth something.
    pub fn take_node_order(&mut self, node: &NodeName, now: Timestamp) -> Result<Option<NodeOrder>, StoreError> {
        let order = self.node_order(node)?.filter(|order| order.expires > now);
        if order.is_some() {
            self.sql.run("DELETE FROM node_orders WHERE node = ?1", params![node.as_str()])?;
        }
        Ok(order)
    }

    /// Forgets the orders that had expired at `until`; how many.
    pub fn prune_node_orders(&mut self, until: Timestamp) -> Result<usize, StoreError> {
        self.sql.run("DELETE FROM node_orders WHERE expires <= ?1", params![stored_time(until)])
    }
}

fn read_order(row: &Row<'_>) -> Result<NodeOrder, StoreError> {
    Ok(NodeOrder {
        node: row.parsed("node")?,
        clearance: read_clearance(row)?,
        may_loosen: row.value("may_loosen")?,
        expires: row.time("expires")?,
    })
}
