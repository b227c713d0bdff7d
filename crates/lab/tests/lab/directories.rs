//! What of the file system a pod sees.

use std::fs;
use std::path::Path;

use bulkhead_lab::{Host, LabError};

use crate::{DEADLINE, lab};

#[test]
fn a_bound_directory_is_seen_by_its_pod_only() {
    let lab = lab();
    let (node, other_node) = (lab.host("n1").unwrap(), lab.host("n2").unwrap());
    let (web, api) = (node.pod("web").unwrap(), node.pod("api").unwrap());
    let make = "mkdir -p /run/bulkhead/web && echo late > /run/bulkhead/web/socket";
    web.bind(Path::new("/run"), Path::new("/run/missing")).unwrap();
    assert!(node.command("sh").args(["-c", make]).run(DEADLINE).unwrap().status.success());
    web.bind(Path::new("/run/bulkhead/web"), Path::new("/run/bulkhead")).unwrap();

    let sees = |host: &Host, path: &str| host.command("cat").arg(path).run(DEADLINE).unwrap().stdout == "late\n";
    assert!(sees(&web, "/run/bulkhead/socket"));
    for (host, path) in [
        (&api, "/run/bulkhead/socket"),
        (&api, "/run/bulkhead/web/socket"),
        (&node, "/run/bulkhead/socket"),
        (&other_node, "/run/bulkhead/web/socket"),
        (&web, "/run/bulkhead/web/socket"),
    ] {
        assert!(!sees(host, path), "{} sees {path}", host.name());
    }
    assert!(!Path::new("/run/bulkhead/web").exists(), "the machine's own /run is left alone");
}

#[test]
fn a_directory_of_the_lab_can_be_bound_but_only_under_run() {
    let lab = lab();
    let web = lab.host("n1").unwrap().pod("web").unwrap();
    fs::write(lab.directory().join("note"), "from outside").unwrap();
    web.bind(lab.directory(), Path::new("/run/lab")).unwrap();
    assert_eq!(web.command("cat").arg("/run/lab/note").run(DEADLINE).unwrap().stdout, "from outside");
    let error = web.bind(lab.directory(), Path::new("/etc")).unwrap_err();
    assert!(matches!(error, LabError::BindOutsideRun { .. }), "{error}");
}
