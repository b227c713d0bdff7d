//! Leaves are read by software that knows nothing of this mesh: OpenSSL in its strict mode, and Go's crypto/x509.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bulkhead_ca::sign::Certificate;
use bulkhead_identity::pem;
use bulkhead_mesh::{ControlRole, Serial};
use rcgen::KeyPair;

use super::support::{NOW, Site, node, workload};

/// One leaf of each purpose, with the file name of its intermediate.
fn leaves(site: &Site) -> [(&'static str, Certificate); 4] {
    let authority = site.authority();
    let ca = authority.control_leaf(ControlRole::Ca, Serial::from_random([5; 16]), NOW).unwrap();
    [
        ("issuing.pem", workload(&authority, &KeyPair::generate().unwrap(), 1)),
        ("issuing.pem", node(&authority)),
        ("control.pem", site.founded.operator.clone()),
        ("control.pem", ca.certificate),
    ]
}

fn write_leaf(site: &Site, leaf: &Certificate) -> std::path::PathBuf {
    let path = site.parent.path().join("leaf.pem");
    fs::write(&path, pem::certificates(std::slice::from_ref(leaf.der()))).unwrap();
    path
}

/// Runs a tool; `None`, said aloud, when this machine has none.
fn run(tool: impl AsRef<OsStr>, arguments: &[&Path]) -> Option<Output> {
    match Command::new(&tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: `{}` is not installed", tool.as_ref().display());
            None
        }
        Err(error) => panic!("{}: {error}", tool.as_ref().display()),
    }
}

#[test]
fn openssl_accepts_every_leaf_in_strict_mode() {
    let site = Site::new();
    openssl_accepts_every_leaf(&site, &site.directory().join("root.pem"));
}

/// OpenSSL believes what the authority signs, below this root.
pub(super) fn openssl_accepts_every_leaf(site: &Site, root: &Path) {
    for (intermediate, leaf) in leaves(site) {
        for purpose in ["sslserver", "sslclient"] {
            let time = NOW.as_secs().to_string();
            let below = site.directory().join(intermediate);
            let options = ["verify", "-x509_strict", "-check_ss_sig", "-attime", &time, "-purpose", purpose, "-CAfile"];
            let mut arguments: Vec<&Path> = options.iter().map(Path::new).collect();
            let leaf_file = write_leaf(site, &leaf);
            arguments.extend([root, Path::new("-untrusted"), &below, &leaf_file]);
            let Some(output) = run("openssl", &arguments) else { return };
            let said = format!("{output:?}");
            assert!(output.status.success(), "{} as {purpose}: {said}", leaf.leaf().content.id);
        }
    }
}

#[test]
fn go_reads_every_leaf_and_builds_its_path() {
    let site = Site::new();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authority/read_leaf.go");
    for (intermediate, leaf) in leaves(&site) {
        let (root, below) = (site.directory().join("root.pem"), site.directory().join(intermediate));
        let time = NOW.as_secs().to_string();
        let leaf_file = write_leaf(&site, &leaf);
        let arguments = [Path::new("run"), &program, Path::new(&time), &root, &below, &leaf_file];
        let Some(output) = run("go", &arguments) else { return };
        let said = String::from_utf8_lossy(&output.stdout);
        let expected = format!("{} {}\n", leaf.leaf().content.id, leaf.leaf().serial);
        assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}
