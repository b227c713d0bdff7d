//! The generations in the Secret, as they are written there and as they are used.

use std::sync::Arc;

use bulkhead_mesh::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::authorities::{self, Authority, end_of};
use super::rotation::Term;
use crate::injector::config::Names;

/// As it is written: PEM.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) authority: String,
    pub(super) certificate: String,
    pub(super) key: String,
}

/// As it is used.
#[derive(Clone)]
pub(super) struct Generation {
    pub(super) term: Term,
    pub(super) authority: Authority,
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) written: Written,
}

/// What is wrong with what stands in the Secret.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum Unreadable {
    #[error("it is not what the injector writes")]
    Json(#[from] serde_json::Error),
    #[error("there is no PEM where it should be")]
    Pem(#[from] rustls_pki_types::pem::Error),
    #[error("a certificate cannot be read")]
    Certificate(#[from] x509_parser::nom::Err<x509_parser::error::X509Error>),
    #[error("a key does not fit its certificate")]
    Key(#[from] rustls::Error),
}

/// The generations of a Secret; `names` are those by which the API server asks.
pub(super) fn read(text: &[u8], names: &Names, provider: &CryptoProvider) -> Result<Vec<Generation>, Unreadable> {
    let written: Vec<Written> = serde_json::from_slice(text)?;
    written.into_iter().map(|written| Generation::read(written, names, provider)).collect()
}

/// The text for the Secret: this one and those before it that have not ended, but no more than a few.
pub(super) fn print(before: &[Generation], new: Written, now: Timestamp) -> Result<Vec<u8>, serde_json::Error> {
    let mut alive: Vec<_> = before.iter().filter(|generation| generation.term.not_after > now).collect();
    alive.sort_by_key(|generation| generation.term.not_after);
    let newest = alive.split_off(alive.len().saturating_sub(KEPT_BEFORE));
    let written: Vec<_> = newest.into_iter().map(|generation| generation.written.clone()).chain([new]).collect();
    serde_json::to_vec(&written)
}

impl Generation {
    fn read(written: Written, names: &Names, provider: &CryptoProvider) -> Result<Self, Unreadable> {
        let authority = CertificateDer::from_pem_slice(written.authority.as_bytes())?;
        let certificate = CertificateDer::from_pem_slice(written.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(written.key.as_bytes())?;
        let (_, issuer) = X509Certificate::from_der(&authority)?;
        let (_, leaf) = X509Certificate::from_der(&certificate)?;
        let not_after = end_of(&leaf).min(end_of(&issuer));
        let term = Term { authority: authorities::id(&authority), not_after, fits: is_for(&leaf, names) };
        let certified = CertifiedKey::from_der(vec![certificate.clone()], key, provider)?;
        let authority = Authority { certificate: authority.clone(), not_after: end_of(&issuer) };
        Ok(Self { term, authority, certified: Arc::new(certified), written })
    }
}

/// Whether the certificate has all these names.
fn is_for(certificate: &X509Certificate<'_>, names: &Names) -> bool {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.map_or(&[][..], |extension| &extension.value.general_names);
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    let held: Vec<_> = alternatives.iter().filter_map(text).collect();
    names.texts().all(|name| held.iter().any(|held| held == name))
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    let sixteen = || <[u8; 16]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    four.or_else(|_| sixteen()).ok()
}

/// With a new one: the one in use, and those that were made since.
const KEPT_BEFORE: usize = 3;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::crypto::aws_lc_rs::default_provider;

    use super::super::make::make;
    use super::*;

    fn names(names: &[&str]) -> Names {
        Names::new(names.iter().map(|&name| name.to_owned()).collect()).unwrap()
    }

    fn moment(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + seconds)
    }

    fn kept(before: &[Generation], now: u64) -> Vec<Generation> {
        let new = make(&names(&["127.0.0.1", "a.b.svc"]), moment(now), Duration::from_secs(100)).unwrap();
        let text = print(before, new, moment(now)).unwrap();
        read(&text, &names(&["a.b.svc", "127.0.0.1"]), &default_provider()).unwrap()
    }

    #[test]
    fn what_is_made_is_read_back_with_its_end_and_names() {
        let made = kept(&[], 0).remove(0);
        assert_eq!(made.term.not_after, moment(100));
        assert!(made.term.fits);
        let text = serde_json::to_vec(&[made.written]).unwrap();
        let other = read(&text, &names(&["c.b.svc"]), &default_provider()).unwrap();
        assert!(!other[0].term.fits);
        assert_eq!(other[0].term.authority, made.term.authority);
    }

    #[test]
    fn a_bundle_holds_the_cas_of_our_making_and_nothing_else() {
        let made = kept(&[], 0).remove(0);
        let foreign = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap().cert.pem();
        let bundle = format!("\n{foreign}{}{}no PEM", made.written.authority, made.written.authority);
        let read = authorities::read(bundle.as_bytes());
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [(made.term.authority, made.authority)]);
    }

    #[test]
    fn the_secret_holds_few_generations_and_none_that_has_ended() {
        let mut generations = Vec::new();
        for now in 0..10 {
            generations = kept(&generations, now);
        }
        assert_eq!(generations.len(), 4);
        assert_eq!(generations.iter().map(|kept| kept.term.not_after).min(), Some(moment(106)));
        assert_eq!(kept(&generations, 108).len(), 2);
    }

    #[test]
    fn what_is_no_secret_of_ours_is_refused() {
        let one = kept(&[], 0).remove(0).written;
        let other = kept(&[], 0).remove(0).written;
        let mixed = serde_json::to_vec(&[Written { key: other.key, ..one.clone() }]).unwrap();
        let no_pem = serde_json::to_vec(&[Written { certificate: "x".to_owned(), ..one }]).unwrap();
        for text in [&b""[..], b"{}", b"[{}]", &mixed, &no_pem] {
            assert!(read(text, &names(&[]), &default_provider()).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }
}
