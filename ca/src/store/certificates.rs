//! The table of certificates: each is on record before it leaves the CA.

use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch, Serial, SpkiDigest, Timestamp};
use rusqlite::params;

use super::records::CertificateRecord;
use super::sql::{Row, stored_time};
use super::{Snapshot, StoreError, Tx};

impl Snapshot<'_> {
    /// The certificate with this serial.
    pub fn certificate(&self, serial: Serial) -> Result<Option<CertificateRecord>, StoreError> {
        self.sql.one("SELECT * FROM certificates WHERE serial = ?1", params![serial.as_bytes()], read_certificate)
    }

    /// The latest `notAfter` of any certificate bound to this node in this life or an earlier one: until when a
    /// revocation that somebody has not heard of leaves him exposed.
    pub fn latest_not_after(&self, life: &NodeEpoch) -> Result<Option<Timestamp>, StoreError> {
        let latest = "SELECT not_after FROM certificates WHERE node = ?1 AND epoch <= ?2
             ORDER BY not_after DESC LIMIT 1";
        self.sql.one(latest, params![life.node.as_str(), life.epoch.number()], |row| row.time("not_after"))
    }

    /// The newest certificate of the node's own in this life.
    pub fn newest_certificate_of_node(&self, life: &NodeEpoch) -> Result<Option<CertificateRecord>, StoreError> {
        let newest = "SELECT * FROM certificates WHERE node = ?1 AND epoch = ?2 AND instance IS NULL
             ORDER BY issued_at DESC, rowid DESC LIMIT 1";
        self.sql.one(newest, params![life.node.as_str(), life.epoch.number()], read_certificate)
    }

    /// When the last certificate of this instance ends; `None` if it never had one.
    pub fn latest_not_after_of_instance(&self, id: InstanceId) -> Result<Option<Timestamp>, StoreError> {
        let latest = "SELECT not_after FROM certificates WHERE instance = ?1 ORDER BY not_after DESC LIMIT 1";
        self.sql.one(latest, params![id.as_bytes()], |row| row.time("not_after"))
    }

    /// How many certificates this instance was issued from this moment on.
    pub fn certificates_since(&self, id: InstanceId, since: Timestamp) -> Result<u32, StoreError> {
        let count = "SELECT count(*) AS number FROM certificates WHERE instance = ?1 AND issued_at >= ?2";
        let found = self.sql.one(count, params![id.as_bytes(), stored_time(since)], |row| row.number("number"))?;
        Ok(found.unwrap_or(0))
    }

    /// The newest certificate of this instance.
    pub fn newest_certificate_of_instance(&self, id: InstanceId) -> Result<Option<CertificateRecord>, StoreError> {
        let newest = "SELECT * FROM certificates WHERE instance = ?1 ORDER BY issued_at DESC, rowid DESC LIMIT 1";
        self.sql.one(newest, params![id.as_bytes()], read_certificate)
    }
}

impl Tx<'_> {
    /// Puts a certificate on record. One that is bound to a node is refused unless the CA serves the node, whoever
    /// asked before: a certificate signed while its node was being revoked does not get out.
    pub fn record_certificate(&mut self, new: &CertificateRecord) -> Result<(), StoreError> {
        if let Some(life) = &new.node {
            self.admitted_node(life)?;
        }
        if self.certificate(new.serial)?.is_some() {
            return Err(StoreError::SerialTaken { serial: new.serial });
        }
        self.sql.run(
            "INSERT INTO certificates (serial, id, node, epoch, instance, issuer, key, issued_at, not_after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                new.serial.as_bytes(),
                new.id.to_string(),
                new.node.as_ref().map(|life| life.node.as_str()),
                new.node.as_ref().map(|life| life.epoch.number()),
                new.instance.as_ref().map(InstanceId::as_bytes),
                new.issuer.as_bytes(),
                new.key.as_bytes(),
                stored_time(new.issued_at),
                stored_time(new.not_after),
            ],
        )?;
        Ok(())
    }

    /// Forgets the certificates that had ended before `until`; how many. `until` lies at least a verifier's grace, and
    /// as long as an expired node may renew, before the CA's time.
    pub fn prune_certificates(&mut self, until: Timestamp) -> Result<usize, StoreError> {
        self.sql.run("DELETE FROM certificates WHERE not_after < ?1", params![stored_time(until)])
    }
}

fn read_certificate(row: &Row<'_>) -> Result<CertificateRecord, StoreError> {
    let life = |node| Ok::<_, StoreError>(NodeEpoch { node, epoch: Epoch::new(row.number("epoch")?) });
    Ok(CertificateRecord {
        serial: Serial::from_bytes(row.bytes("serial")?),
        id: row.parsed("id")?,
        node: row.parsed_or_null("node")?.map(life).transpose()?,
        instance: row.bytes_or_null("instance")?.map(InstanceId::from_bytes),
        issuer: SpkiDigest::from_bytes(row.bytes("issuer")?),
        key: SpkiDigest::from_bytes(row.bytes("key")?),
        issued_at: row.time("issued_at")?,
        not_after: row.time("not_after")?,
    })
}
