//! The API server's certificate, an administrator's, and the key for service accounts' tokens.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

/// The files, all in one directory.
pub(super) struct Certificates {
    directory: PathBuf,
    authority: String,
    administrator: (String, String),
}

impl Certificates {
    /// Makes them.
    pub(super) fn make(directory: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let authority = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let names = ["kubernetes.default.svc", "localhost", "127.0.0.1", "10.96.0.1"].map(str::to_owned).into();
        let server = leaf(&issuer, "kube-apiserver", None, names, ExtendedKeyUsagePurpose::ServerAuth)?;
        let administrator =
            leaf(&issuer, "administrator", Some("system:masters"), Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)?;
        let tokens = KeyPair::generate()?;
        let made = Self { directory: directory.to_owned(), authority, administrator };
        for (name, text) in [
            ("ca.crt", &made.authority),
            ("apiserver.crt", &server.0),
            ("apiserver.key", &server.1),
            ("accounts.key", &tokens.serialize_pem()),
            ("accounts.pub", &tokens.public_key_pem()),
        ] {
            fs::write(made.file(name), text).with_context(|| format!("cannot write {name}"))?;
        }
        Ok(made)
    }

    /// One of the files.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What `kubectl` needs to be the administrator of the server at this URL.
    pub(super) fn kubeconfig(&self, url: &str) -> Result<PathBuf> {
        let (certificate, key) = &self.administrator;
        let user = json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        });
        self.kubeconfig_of(url, "administrator", &user)
    }

    /// What somebody needs who has a token.
    pub(super) fn kubeconfig_by_token(&self, url: &str, name: &str, token: &str) -> Result<PathBuf> {
        self.kubeconfig_of(url, name, &json!({"token": token}))
    }

    fn kubeconfig_of(&self, url: &str, name: &str, user: &Value) -> Result<PathBuf> {
        let authority = STANDARD.encode(&self.authority);
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            "current-context": "test",
        });
        let path = self.file(&format!("{name}.kubeconfig"));
        fs::write(&path, text.to_string())?;
        Ok(path)
    }
}

/// Certificate and key, as PEM.
fn leaf(
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    group: Option<&str>,
    alternatives: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.extended_key_usages = vec![usage];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}
