//! An authority under a root that exists: two of them, one root; and the roots under which none is founded.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_ca::authority::layout::{self, SealedKey};
use bulkhead_ca::init::{self, InitError, Plan, RootPlan};
use bulkhead_ca::seal::{self, Unsealer};
use bulkhead_mesh::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, SanType, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

use super::foreign_readers::openssl_accepts_every_leaf;
use super::support::{NOW, Site, block_on, plan};

/// What opens the root's key.
fn root_unsealer() -> Unsealer {
    Unsealer::from_key([9; 32])
}

/// A root in a directory of its own, as somebody keeps it who has founded a mesh.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut plan = plan(directory.path().join("ca"));
        plan.root = RootPlan::New { directory: Some(directory.path().join("root")) };
        plan.root_unsealer = Some(root_unsealer());
        let founded = block_on(init::run(&plan, NOW)).unwrap();
        fs::copy(founded.root_certificate, directory.path().join("root/root.pem")).unwrap();
        Self(directory)
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// The plan of an authority under this root.
    fn plan(&self, directory: PathBuf) -> Plan {
        let mut plan = plan(directory);
        plan.root = RootPlan::Existing { directory: self.directory() };
        plan.root_unsealer = Some(root_unsealer());
        plan
    }

    fn key(&self) -> KeyPair {
        let sealed = fs::read(self.file("root.key.sealed")).unwrap();
        let pkcs8 = seal::open(&sealed, SealedKey::Root.name(), &root_unsealer()).unwrap();
        KeyPair::try_from(&pkcs8[..]).unwrap()
    }

    /// Puts another certificate of the same key in the place of its own.
    fn certify(&self, change: impl FnOnce(&mut CertificateParams)) {
        let mut parameters = parameters();
        change(&mut parameters);
        fs::write(self.file("root.pem"), parameters.self_signed(&self.key()).unwrap().pem()).unwrap();
    }
}

/// A root as somebody else may make it, who has read what one of ours says.
fn parameters() -> CertificateParams {
    let mut root = CertificateParams::default();
    root.serial_number = Some(SerialNumber::from_slice(&[0x55; 16]));
    (root.not_before, root.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2035, 1, 1));
    root.subject_alt_names = vec![SanType::URI("spiffe://prod.example".try_into().unwrap())];
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    root
}

#[test]
fn two_authorities_under_one_root_are_both_believed_below_it() {
    let root = Root::new();
    let sites = [(); 2].map(|()| Site::found(|directory| root.plan(directory)));
    let issuers = sites.each_ref().map(|site| site.authority().issuers());
    assert_ne!(issuers[0], issuers[1]);
    let certificate = root.file("root.pem");
    for site in &sites {
        assert_eq!(fs::read(&site.founded.root_certificate).unwrap(), fs::read(&certificate).unwrap());
        openssl_accepts_every_leaf(site, &certificate);
    }
}

#[test]
fn nothing_of_the_root_is_kept_but_its_certificate() {
    let root = Root::new();
    let files = |directory: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let sealed = fs::read(root.file("root.key.sealed")).unwrap();
    let site = Site::found(|directory| root.plan(directory));
    assert!(!layout::root_directory(&site.directory()).exists());
    assert_eq!(files(site.parent.path()), ["ca"]);
    assert_eq!(files(&root.directory()), ["root.key.sealed", "root.pem"]);
    assert_eq!(fs::read(root.file("root.key.sealed")).unwrap(), sealed);
    assert_eq!(site.founded.root_directory, None);
    assert!(site.founded.hint().contains("has done its work"), "{}", site.founded.hint());
}

#[test]
fn a_root_of_the_same_profile_that_somebody_else_made_will_do() {
    let root = Root::new();
    root.certify(|_| ());
    let site = Site::found(|directory| root.plan(directory));
    openssl_accepts_every_leaf(&site, &root.file("root.pem"));
}

#[test]
fn a_root_with_which_no_mesh_can_live_is_refused_with_a_sentence() {
    type Change = fn(&Root, &mut Plan);
    let wrong: [(Change, &str); 17] = [
        (|root, _| fs::remove_file(root.file("root.pem")).unwrap(), "root.pem"),
        (|root, _| fs::remove_file(root.file("root.key.sealed")).unwrap(), "root.key.sealed"),
        (|root, _| fs::write(root.file("root.pem"), "").unwrap(), "must hold one certificate, the root's, and holds 0"),
        (
            |root, _| fs::write(root.file("root.pem"), fs::read(root.file("root.pem")).unwrap().repeat(2)).unwrap(),
            "must hold one certificate, the root's, and holds 2",
        ),
        (|_, plan| plan.root_unsealer = Some(Unsealer::from_key([8; 32])), "it does not open"),
        (|_, plan| plan.root_unsealer = None, "it does not open"),
        (
            |_, plan| plan.root_unsealer = Some(Unsealer::from_passphrase(b"correct horse battery").unwrap()),
            "it was sealed by an unseal file, but a passphrase was given",
        ),
        (|root, _| fs::write(root.file("root.key.sealed"), "key").unwrap(), "it is not a sealed key"),
        (
            |root, _| {
                fs::copy(Root::new().file("root.key.sealed"), root.file("root.key.sealed")).unwrap();
            },
            "its certificate is that of another key",
        ),
        (
            |_, plan| plan.trust_domain = "other.example".parse().unwrap(),
            "it is the root of the trust domain `prod.example`, not of `other.example`",
        ),
        (|root, _| root.certify(|root| root.is_ca = IsCa::ExplicitNoCa), "basicConstraints must be critical"),
        (|root, _| root.certify(|root| root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))), "pathLenConstraint 1"),
        (|root, _| root.certify(|root| root.key_usages.truncate(1)), "keyUsage must be critical"),
        (|root, _| root.certify(|root| root.subject_alt_names.clear()), "subjectAltName must be one URI"),
        (
            |root, _| {
                root.certify(|root| {
                    let permitted_subtrees = vec![GeneralSubtree::DnsName("prod.example".to_owned())];
                    root.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
                });
            },
            "the extension 2.5.29.30",
        ),
        (
            |root, _| root.certify(|root| root.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            "the extension 2.5.29.37",
        ),
        (
            |root, _| {
                let issuer = Issuer::new(parameters(), KeyPair::generate().unwrap());
                let signed = parameters().signed_by(&root.key(), &issuer).unwrap();
                fs::write(root.file("root.pem"), signed.pem()).unwrap();
            },
            "its certificate was not signed by its own key",
        ),
    ];
    for (change, says) in wrong {
        refused(change, NOW, says);
    }
}

#[test]
fn a_root_must_be_in_force_until_its_intermediates_have_ended() {
    let unchanged = |_: &Root, _: &mut Plan| ();
    refused(unchanged, NOW.minus(Duration::from_hours(24)), "is not in force yet");
    refused(unchanged, NOW.plus(years(9)), "before the intermediates that it is to sign");
    refused(unchanged, NOW.plus(years(10) + Duration::from_secs(1)), "it ended at");
    let root = Root::new();
    let parent = tempfile::tempdir().unwrap();
    block_on(init::run(&root.plan(parent.path().join("ca")), NOW.plus(years(8)))).unwrap();
}

fn years(count: u64) -> Duration {
    Duration::from_hours(count * 365 * 24)
}

/// Nothing is founded at this moment under a root that was changed so, and the reason says this.
fn refused(change: impl FnOnce(&Root, &mut Plan), now: Timestamp, says: &str) {
    let (root, parent) = (Root::new(), tempfile::tempdir().unwrap());
    let mut plan = root.plan(parent.path().join("ca"));
    change(&root, &mut plan);
    let error = block_on(init::run(&plan, now)).unwrap_err();
    let InitError::Root { directory, .. } = &error else { panic!("{says}: {error:?}") };
    assert_eq!(*directory, root.directory());
    let mut said = error.to_string();
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        said = format!("{said}: {next}");
        cause = next;
    }
    assert!(said.contains(says), "{says}: {said}");
    assert!(error.hint().is_some(), "nothing to be done about: {said}");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "{says}");
}
