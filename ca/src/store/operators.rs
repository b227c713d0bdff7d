//! The table of operators.

use bulkhead_mesh::OperatorName;
use rusqlite::params;

use super::records::{OperatorRecord, Role};
use super::sql::{Row, stored_time};
use super::{Snapshot, StoreError, Tx};

/// Why a change of operators was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum OperatorRefusal {
    #[error("operator `{name}` exists already")]
    Exists { name: OperatorName },
    #[error("there is no operator `{name}`")]
    Unknown { name: OperatorName },
    #[error("operator `{name}` is the last owner; without one nobody could ever loosen anything again")]
    LastOwner { name: OperatorName },
}

impl Snapshot<'_> {
    /// The operator with this name.
    pub fn operator(&self, name: &OperatorName) -> Result<Option<OperatorRecord>, StoreError> {
        self.sql.one("SELECT * FROM operators WHERE name = ?1", params![name.as_str()], read_operator)
    }

    /// Every operator, by name.
    pub fn operators(&self) -> Result<Vec<OperatorRecord>, StoreError> {
        self.sql.all("SELECT * FROM operators ORDER BY name", params![], read_operator)
    }
}

impl Tx<'_> {
    /// Adds an operator.
    pub fn insert_operator(&mut self, new: &OperatorRecord) -> Result<(), StoreError> {
        if self.operator(&new.name)?.is_some() {
            return Err(OperatorRefusal::Exists { name: new.name.clone() }.into());
        }
        let insert = "INSERT INTO operators (name, role, added_at) VALUES (?1, ?2, ?3)";
        self.sql.run(insert, params![new.name.as_str(), new.role.as_str(), stored_time(new.added_at)])?;
        Ok(())
    }

    /// Gives an operator another role.
    pub fn set_role(&mut self, name: &OperatorName, role: Role) -> Result<OperatorRecord, StoreError> {
        let known = self.known_operator(name)?;
        if role != Role::Owner {
            self.refuse_last_owner(&known)?;
        }
        self.sql.run("UPDATE operators SET role = ?2 WHERE name = ?1", params![name.as_str(), role.as_str()])?;
        Ok(OperatorRecord { role, ..known })
    }

    /// Removes an operator; the one that it was.
    pub fn remove_operator(&mut self, name: &OperatorName) -> Result<OperatorRecord, StoreError> {
        let known = self.known_operator(name)?;
        self.refuse_last_owner(&known)?;
        self.sql.run("DELETE FROM operators WHERE name = ?1", params![name.as_str()])?;
        Ok(known)
    }

    fn known_operator(&self, name: &OperatorName) -> Result<OperatorRecord, StoreError> {
        self.operator(name)?.ok_or_else(|| OperatorRefusal::Unknown { name: name.clone() }.into())
    }

    fn refuse_last_owner(&self, leaving: &OperatorRecord) -> Result<(), StoreError> {
        let other_owner = |other: &OperatorRecord| other.role == Role::Owner && other.name != leaving.name;
        if leaving.role != Role::Owner || self.operators()?.iter().any(other_owner) {
            return Ok(());
        }
        Err(OperatorRefusal::LastOwner { name: leaving.name.clone() }.into())
    }
}

fn read_operator(row: &Row<'_>) -> Result<OperatorRecord, StoreError> {
    Ok(OperatorRecord { name: row.parsed("name")?, role: row.parsed("role")?, added_at: row.time("added_at")? })
}
