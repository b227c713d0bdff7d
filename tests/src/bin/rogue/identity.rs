//! Whose certificate is shown: one from a file, one that nobody signed, or none.

use std::fs;

use anyhow::{Context as _, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub(crate) fn read(name: &str) -> Result<Option<Identity>> {
    match name {
        "none" => Ok(None),
        "self-signed" => self_signed().map(Some),
        "other-authority" => other_authority().map(Some),
        file => from_file(file).map(Some),
    }
}

fn from_file(file: &str) -> Result<Identity> {
    let text = fs::read(file).with_context(|| format!("cannot read {file}"))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    Ok((chain?, PrivateKeyDer::from_pem_slice(&text)?))
}

/// A certificate that claims to be a workload of the mesh and that only its own key vouches for.
fn self_signed() -> Result<Identity> {
    let key = KeyPair::generate()?;
    let certificate = claims()?.self_signed(&key)?;
    Ok((vec![certificate.der().clone()], private(&key)?))
}

/// The same claims, signed by an intermediate below a root: all as it should be, but that the root is not the mesh's.
fn other_authority() -> Result<Identity> {
    let (root_key, intermediate_key, key) = (KeyPair::generate()?, KeyPair::generate()?, KeyPair::generate()?);
    let root = Issuer::new(authority(1), root_key);
    let intermediate = authority(0).signed_by(&intermediate_key, &root)?;
    let leaf = claims()?.signed_by(&key, &Issuer::new(authority(0), intermediate_key))?;
    Ok((vec![leaf.der().clone(), intermediate.der().clone()], private(&key)?))
}

fn claims() -> Result<CertificateParams> {
    let mut claims = CertificateParams::default();
    claims.subject_alt_names = vec![SanType::URI("spiffe://prod.example/ns/shop/sa/web".try_into()?)];
    claims.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(claims)
}

fn authority(path_length: u8) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
}

fn private(key: &KeyPair) -> Result<PrivateKeyDer<'static>> {
    let Ok(key) = PrivateKeyDer::try_from(key.serialize_der()) else { bail!("the new key cannot be read") };
    Ok(key)
}

/// Splits certificates that were written one after the other.
pub(crate) fn split_certificates(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    while !bytes.is_empty() {
        let [0x30, 0x82, high, low, ..] = *bytes else { bail!("this is no certificate in DER") };
        let (certificate, rest) =
            bytes.split_at_checked(4 + usize::from(high) * 256 + usize::from(low)).context("cut short")?;
        certificates.push(certificate.to_vec());
        bytes = rest;
    }
    Ok(certificates)
}

/// Key and chain in one file.
pub(crate) fn to_pem(key: &[u8], chain: &[Vec<u8>]) -> String {
    let block = |tag: &str, bytes: &[u8]| {
        let text = base64(bytes);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
        format!("-----BEGIN {tag}-----\n{}\n-----END {tag}-----\n", lines.join("\n"))
    };
    let certificates: String = chain.iter().map(|certificate| block("CERTIFICATE", certificate)).collect();
    block("PRIVATE KEY", key) + &certificates
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
