//! What `init` leaves on the disk, and what it refuses to touch.

use super::support::block_on;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bulkhead_ca::authority::layout::{self, SealedKey};
use bulkhead_ca::authority::{Authority, LoadError, first_operator};
use bulkhead_ca::init::{self, InitError, RootPlan};
use bulkhead_ca::seal::{SealError, Unsealer};
use bulkhead_identity::keys::KeyStore;
use bulkhead_mesh::ControlRole;

use super::support::{NOW, Site, plan, unsealer};

/// Every file below a directory, with its mode and content.
fn files(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            found.insert(path.clone(), (mode, fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn the_layout_is_the_documented_one_and_keys_are_their_owners_alone() {
    let site = Site::new();
    let directory = site.directory();
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o7777, 0o700);
    let found: Vec<_> = files(&directory)
        .into_iter()
        .map(|(path, (mode, _))| format!("{mode:o} {}", path.strip_prefix(&directory).unwrap().display()))
        .collect();
    assert_eq!(
        found,
        [
            "600 ca.db",
            "600 ca.db.lock",
            "600 ca.key.sealed",
            "600 control.key.sealed",
            "644 control.pem",
            "600 feed.key.sealed",
            "644 first-operator.pem",
            "600 issuing.key.sealed",
            "644 issuing.pem",
            "600 operator/ada.pem",
            "600 root/root.key.sealed",
            "644 root.pem",
        ]
    );
}

#[test]
fn no_key_lies_unsealed_but_the_operators() {
    let site = Site::new();
    for (path, (_, bytes)) in files(&site.directory()) {
        // The algorithm identifier that every PKCS#8 key on P-256 begins with.
        let is_key = bytes.windows(8).any(|window| window == [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
        let is_pem_key = String::from_utf8_lossy(&bytes).contains("PRIVATE KEY");
        assert_eq!(is_key || is_pem_key, path == site.founded.operator_file, "{}", path.display());
    }
}

#[test]
fn the_operator_takes_key_and_chain_in_one_file() {
    let site = Site::new();
    let kept = KeyStore::new(&site.founded.operator_file).read().unwrap().unwrap();
    assert_eq!(kept.chain, site.founded.operator.chain());
    let (der, leaf) = first_operator(&site.directory()).unwrap();
    assert_eq!((&der, &leaf), (site.founded.operator.der(), site.founded.operator.leaf()));
}

#[test]
fn an_operators_file_elsewhere_is_written_there_and_never_over_another() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("ada.pem");
    let elsewhere = |directory: &str| {
        let mut plan = plan(parent.path().join(directory));
        plan.operator_file = Some(file.clone());
        block_on(init::run(&plan, NOW))
    };
    elsewhere("ca").unwrap();
    let before = files(parent.path());
    assert!(before.contains_key(&file));
    assert!(matches!(elsewhere("other"), Err(InitError::OperatorFile { .. })));
    assert_eq!(files(parent.path()), before);
    assert!(!parent.path().join("other").exists());
}

#[test]
fn a_second_init_is_refused_and_loses_nothing() {
    let site = Site::new();
    let before = files(site.parent.path());
    let refused = site.again().unwrap_err();
    assert!(matches!(refused, InitError::Occupied { .. }), "{refused:?}");
    assert!(refused.hint().is_some());
    assert_eq!(files(site.parent.path()), before);
}

#[test]
fn an_empty_directory_is_taken_and_a_strangers_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let (empty, strange) = (parent.path().join("empty"), parent.path().join("strange"));
    fs::create_dir(&empty).unwrap();
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("note"), "mine").unwrap();
    assert!(block_on(init::run(&plan(empty.clone()), NOW)).is_ok());
    assert!(matches!(block_on(init::run(&plan(strange.clone()), NOW)), Err(InitError::Occupied { .. })));
    assert_eq!(fs::read(strange.join("note")).unwrap(), b"mine");
    assert_eq!(fs::metadata(&empty).unwrap().permissions().mode() & 0o7777, 0o700);
}

#[test]
fn a_failed_init_leaves_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = plan(parent.path().join("ca"));
    fs::write(parent.path().join("file"), "").unwrap();
    plan.operator_file = Some(parent.path().join("file/ada.pem"));
    assert!(matches!(block_on(init::run(&plan, NOW)), Err(InitError::Build { .. })));
    assert_eq!(files(parent.path()).into_keys().collect::<Vec<_>>(), [parent.path().join("file")]);
}

#[test]
fn another_secret_opens_nothing() {
    let site = Site::new();
    let refused = Authority::load(&site.directory(), &Unsealer::from_key([8; 32])).unwrap_err();
    assert!(matches!(refused, LoadError::Unseal { source: SealError::Refused, .. }), "{refused:?}");
}

#[test]
fn a_passphrase_seals_as_well_as_a_file() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = plan(parent.path().join("ca"));
    plan.unsealer = Unsealer::from_passphrase(b"correct horse battery").unwrap();
    block_on(init::run(&plan, NOW)).unwrap();
    assert!(Authority::load(&plan.directory, &plan.unsealer).is_ok());
    let wrong = Unsealer::from_passphrase(b"correct horse batterz").unwrap();
    let refused = Authority::load(&plan.directory, &wrong).unwrap_err();
    assert!(matches!(refused, LoadError::Unseal { source: SealError::Refused, .. }), "{refused:?}");
}

#[test]
fn the_root_may_have_a_secret_of_its_own() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = plan(parent.path().join("ca"));
    plan.root_unsealer = Some(Unsealer::from_key([9; 32]));
    block_on(init::run(&plan, NOW)).unwrap();
    let sealed = fs::read(SealedKey::Root.path(&plan.directory)).unwrap();
    assert!(bulkhead_ca::seal::open(&sealed, "root", &unsealer()).is_err());
    assert!(Authority::load(&plan.directory, &unsealer()).is_ok());
}

#[test]
fn the_roots_key_and_a_responders_may_lie_elsewhere_and_go_again_with_a_failed_init() {
    let parent = tempfile::tempdir().unwrap();
    let place = |name: &str| parent.path().join(name);
    let mut plan = plan(place("ca"));
    plan.root = RootPlan::New { directory: Some(place("root")) };
    plan.root_unsealer = Some(Unsealer::from_key([9; 32]));
    plan.responder = Some(("robot".parse().unwrap(), place("keys/robot.pem")));
    fs::write(place("file"), "").unwrap();
    plan.operator_file = Some(place("file/ada.pem"));
    assert!(matches!(block_on(init::run(&plan, NOW)), Err(InitError::Build { .. })));
    assert_eq!(files(parent.path()).into_keys().collect::<Vec<_>>(), [place("file")]);
    plan.operator_file = None;
    let founded = block_on(init::run(&plan, NOW)).unwrap();
    assert_eq!(founded.root_directory, Some(place("root")));
    assert!(!layout::root_directory(&plan.directory).exists());
    let sealed = fs::read(place("root/root.key.sealed")).unwrap();
    assert!(bulkhead_ca::seal::open(&sealed, "root", &Unsealer::from_key([9; 32])).is_ok());
    let robot = KeyStore::new(founded.responder_file.unwrap()).read().unwrap().unwrap();
    assert_eq!(robot.chain.len(), 2);
    assert!(init::is_founded(&plan.directory) && !init::is_founded(parent.path()));
    for path in [place("root/root.key.sealed"), place("keys/robot.pem")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_responder_is_another_person_and_a_first_policy_is_valid_or_nothing_is_founded() {
    let parent = tempfile::tempdir().unwrap();
    let mut same = plan(parent.path().join("ca"));
    same.responder = Some((same.operator.clone(), parent.path().join("robot.pem")));
    assert!(matches!(block_on(init::run(&same, NOW)), Err(InitError::SameOperator { .. })));
    let mut bad = plan(parent.path().join("ca"));
    bad.policy = Some("default: sometimes\n".to_owned());
    assert!(matches!(block_on(init::run(&bad, NOW)), Err(InitError::Policy(_))));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_or_misplaced_file_is_refused_by_name() {
    let keys = [SealedKey::Issuing, SealedKey::Control, SealedKey::Role(ControlRole::Ca)];
    for path in keys.map(|key| key.path(Path::new(""))) {
        let site = Site::new();
        flip_last_bit(&site.directory().join(&path));
        let refused = Authority::load(&site.directory(), &unsealer()).unwrap_err();
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
    }
    let (site, other) = (Site::new(), Site::new());
    fs::copy(other.directory().join("issuing.pem"), site.directory().join("issuing.pem")).unwrap();
    assert!(matches!(Authority::load(&site.directory(), &unsealer()), Err(LoadError::OtherRoot { .. })));
    let site = Site::new();
    fs::copy(site.directory().join("control.pem"), site.directory().join("issuing.pem")).unwrap();
    assert!(matches!(Authority::load(&site.directory(), &unsealer()), Err(LoadError::Intermediate { .. })));
}

fn flip_last_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_directory_without_an_authority_says_how_to_found_one() {
    let empty = tempfile::tempdir().unwrap();
    let refused = Authority::load(empty.path(), &unsealer()).unwrap_err();
    assert!(refused.to_string().contains(layout::root_certificate(empty.path()).to_str().unwrap()));
    assert!(refused.hint().unwrap().contains("bulkhead-ca init"));
}
