//! A foreign judge: openssl verifies our leaves with its strict checks, and prints what we wrote.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use bulkhead_identity::{PrivateKey, pem, signing_request};
use rustls_pki_types::CertificateDer;
use support::{Leaf, Mesh, NOW};

/// What openssl says, which must end well.
fn openssl(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {text}");
    text
}

fn keep(directory: &Path, name: &str, certificate: &CertificateDer<'_>) {
    fs::write(directory.join(name), pem::certificates(std::slice::from_ref(certificate))).unwrap();
}

#[test]
fn openssl_verifies_our_leaves_strictly_for_both_uses() {
    let (mesh, directory) = (Mesh::new(), tempfile::tempdir().unwrap());
    let at = NOW.as_secs().to_string();
    keep(directory.path(), "root.pem", &mesh.root.certificate);
    for shown in [mesh.web(), mesh.node(), mesh.ca(), mesh.control.sign(&Leaf::plain("/operator/ada"))] {
        keep(directory.path(), "leaf.pem", &shown.chain[0]);
        keep(directory.path(), "issuer.pem", &shown.chain[1]);
        for purpose in ["sslclient", "sslserver"] {
            let said = openssl(
                directory.path(),
                &[
                    "verify",
                    "-x509_strict",
                    "-attime",
                    &at,
                    "-purpose",
                    purpose,
                    "-CAfile",
                    "root.pem",
                    "-untrusted",
                    "issuer.pem",
                    "leaf.pem",
                ],
            );
            assert_eq!(said.trim(), "leaf.pem: OK");
        }
    }
}

#[test]
fn openssl_finds_label_and_binding_where_we_put_them() {
    let (mesh, directory) = (Mesh::new(), tempfile::tempdir().unwrap());
    keep(directory.path(), "leaf.pem", &mesh.web().chain[0]);
    let text = openssl(directory.path(), &["asn1parse", "-in", "leaf.pem"]);
    let label = text.lines().position(|line| line.contains("X509v3 Subject Directory Attributes")).unwrap();
    let offset = text.lines().nth(label + 1).unwrap().trim_start().split(':').next().unwrap();
    let inner = openssl(directory.path(), &["asn1parse", "-in", "leaf.pem", "-strparse", offset]);
    // Newer versions name id-at-clearance, older ones print its number; then the level's bit, and the one category.
    assert!(inner.contains("2.5.4.55") || inner.contains("learance"), "{inner}");
    assert!(inner.contains("BIT STRING") && inner.contains("UTF8STRING        :eu"), "{inner}");
    let printed = openssl(directory.path(), &["x509", "-in", "leaf.pem", "-noout", "-text"]);
    assert!(printed.contains("URI:spiffe://prod.example/ns/shop/sa/web"));
    assert!(printed.contains("1.2.840.113556.1.8000.2554.35640.58748.51806.17224.48754.9136755.14129741.3"));
}

#[test]
fn openssl_verifies_our_requests_and_finds_no_name_in_them() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("request.der"), signing_request(&PrivateKey::generate().unwrap()).unwrap())
        .unwrap();
    let request = ["req", "-inform", "DER", "-in", "request.der", "-noout"];
    assert!(openssl(directory.path(), &[&request[..], &["-verify"]].concat()).contains("verify OK"));
    let text = openssl(directory.path(), &[&request[..], &["-text"]].concat());
    let subject = text.lines().find_map(|line| line.trim().strip_prefix("Subject:")).unwrap();
    assert_eq!(subject.trim(), "");
    assert!(text.contains("NIST CURVE: P-256") && text.contains("ecdsa-with-SHA256"), "{text}");
}
