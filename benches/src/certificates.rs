//! The certificates of the arms that are not Bulkhead: of the same type and depth as Bulkhead's.
//!
//! A root, one intermediate and a leaf for each end, all on P-256; sent are leaf and intermediate. The leaves carry what
//! Bulkhead's carry, label and node binding included, so that a handshake moves as many bytes. One thing is more: a DNS
//! name beside the SPIFFE ID, since HAProxy and nginx cannot compare URIs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::{IssuerScope, NodeBinding, binding, clearance, oid};
use bulkhead_mesh::{Epoch, InstanceId, Levels, NodeEpoch};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};

/// The files of one authority, where every uid can read them: their keys are worth nothing outside of one bench.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The root, as PEM.
    pub roots: PathBuf,
    /// The client's proxy.
    pub client: Identity,
    /// The server's proxy.
    pub server: Identity,
}

/// Who one of the proxies is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its SPIFFE ID, a URI SAN.
    pub id: String,
    /// Its DNS name, for who cannot compare URIs.
    pub name: String,
    /// PEM: the leaf, then the intermediate.
    pub chain: PathBuf,
    /// PEM: the leaf's key, PKCS #8.
    pub key: PathBuf,
    /// PEM: `chain` and `key` in one file.
    pub identity: PathBuf,
}

impl Certificates {
    /// Makes an authority and writes it into this directory, which is made if it is missing.
    pub fn make(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let root = Authority::root()?;
        let issuing = root.intermediate()?;
        let roots = write(directory, "roots.pem", &root.certificate.pem())?;
        let client = issuing.identity(directory, "client", 1)?;
        let server = issuing.identity(directory, "server", 2)?;
        Ok(Self { roots, client, server })
    }
}

struct Authority {
    certificate: Certificate,
    key: KeyPair,
    params: CertificateParams,
}

impl Authority {
    fn root() -> Result<Self> {
        let (params, key) = (authority("bench root", BasicConstraints::Unconstrained), KeyPair::generate()?);
        Ok(Self { certificate: params.self_signed(&key)?, key, params })
    }

    fn intermediate(&self) -> Result<Self> {
        let mut params = authority("bench issuing", BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions.push(extension(&oid::arcs(&oid::ISSUER_SCOPE), IssuerScope::ISSUING.encode()?));
        let key = KeyPair::generate()?;
        Ok(Self { certificate: params.signed_by(&key, &self.issuer())?, key, params })
    }

    fn identity(&self, directory: &Path, role: &str, number: u8) -> Result<Identity> {
        let (id, name) = (format!("spiffe://bench.example/ns/bench/sa/{role}"), format!("{role}.bench.example"));
        let key = KeyPair::generate()?;
        let leaf = leaf(&id, &name, number)?.signed_by(&key, &self.issuer())?;
        let (chain, key) = (leaf.pem() + &self.certificate.pem(), key.serialize_pem());
        Ok(Identity {
            id,
            name,
            identity: write(directory, &format!("{role}.pem"), &(chain.clone() + &key))?,
            chain: write(directory, &format!("{role}-chain.pem"), &chain)?,
            key: write(directory, &format!("{role}-key.pem"), &key)?,
        })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

fn authority(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params);
    params
}

/// As Bulkhead's profile of a workload's leaf has it, but for the second name.
fn leaf(id: &str, name: &str, number: u8) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(&[0x40 + number; 16]));
    params.subject_alt_names = vec![SanType::URI(id.try_into()?), SanType::DnsName(name.try_into()?)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.custom_extensions = own_extensions(number)?;
    set_validity(&mut params);
    Ok(params)
}

/// The label and the node that a workload's leaf names.
fn own_extensions(number: u8) -> Result<Vec<CustomExtension>> {
    let label = clearance::encode(&"internal".parse()?, &Levels::default())?;
    let node = NodeEpoch { node: format!("n{number}").parse()?, epoch: Epoch::FIRST };
    let bound = NodeBinding { node, instance: Some(InstanceId::from_bytes([number; 16])) };
    Ok(vec![
        extension(&oid::arcs(&oid::SUBJECT_DIRECTORY_ATTRIBUTES), label),
        extension(&oid::arcs(&oid::NODE_BINDING), binding::encode(&bound)?),
    ])
}

fn extension(arcs: &[u64], value: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(arcs, value)
}

fn set_validity(params: &mut CertificateParams) {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
    (params.not_before, params.not_after) = (now - BACKDATED, now + LIFETIME);
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = directory.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))?;
    Ok(path)
}

/// Longer than a bench takes.
const LIFETIME: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn openssl_accepts_both_leaves_for_both_purposes() {
        let directory = tempfile::tempdir().unwrap();
        let made = Certificates::make(directory.path()).unwrap();
        for (identity, purpose) in [(&made.client, "sslclient"), (&made.server, "sslserver")] {
            let mut openssl = Command::new("openssl");
            openssl.args(["verify", "-purpose", purpose, "-verify_hostname", &identity.name, "-CAfile"]);
            openssl.arg(&made.roots).arg("-untrusted").arg(&identity.chain).arg(&identity.identity);
            let output = openssl.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
