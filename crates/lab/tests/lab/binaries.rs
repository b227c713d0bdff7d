//! Which binaries are used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bulkhead_lab::{LabError, binaries};

#[test]
fn binaries_of_another_build_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, version: &str| {
        let path = directory.path().join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("bulkhead-proxy", "bulkhead-proxy 0.1.0 (build 3fa9)");
    write("bulkhead-agent", "bulkhead-agent 0.1.0");
    let find = |name: &str, build: &str| binaries::find_in(directory.path(), name, build);
    assert_eq!(find("bulkhead-proxy", "3fa9").unwrap(), directory.path().join("bulkhead-proxy"));
    let other = find("bulkhead-proxy", "77aa").unwrap_err();
    assert!(matches!(other, LabError::OtherBuild { .. }) && other.hint().unwrap().contains("make test"), "{other}");
    assert!(matches!(find("bulkhead-agent", "3fa9"), Err(LabError::NoBuildId { .. })));
    assert!(matches!(find("bulkhead-ca", "3fa9"), Err(LabError::NoBinary { .. })));
}
