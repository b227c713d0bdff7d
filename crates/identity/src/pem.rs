//! Writes PEM (RFC 7468). The base64 is constant-time, since keys pass through here too.

use der::pem::{LineEnding, encode_string};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

/// These certificates, one section each.
pub fn certificates(chain: &[CertificateDer<'_>]) -> String {
    chain.iter().map(|certificate| section("CERTIFICATE", certificate)).collect()
}

/// A PKCS#8 private key.
pub(crate) fn private_key(pkcs8: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(section("PRIVATE KEY", pkcs8))
}

fn section(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).expect("a valid label and bytes that are in memory can be encoded")
}
