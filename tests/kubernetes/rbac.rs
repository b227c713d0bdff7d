//! What each part of the chart may do with its account, and that it may nothing else.

use std::collections::BTreeSet;

use bulkhead_tests::kubernetes::ApiServer;

use crate::injector::{SYSTEM, Stage};

#[test]
fn each_part_may_what_it_needs_and_nothing_else() {
    let stage = Stage::shared();
    for (part, elsewhere, at_home) in PARTS {
        let everywhere = lines(elsewhere);
        assert_eq!(rights(&stage.scene.server, part, "default"), everywhere, "{part} in another namespace");
        let at_home = &everywhere | &lines(at_home);
        assert_eq!(rights(&stage.scene.server, part, SYSTEM), at_home, "{part} in the release's namespace");
    }
}
fn rights(server: &ApiServer, part: &str, namespace: &str) -> BTreeSet<String> {
    let account = format!("--as=system:serviceaccount:{SYSTEM}:bulkhead-{part}");
    let said = server.kubectl(&["auth", "can-i", "--list", "--no-headers", "-n", namespace, &account]).unwrap().output().unwrap();
    eprintln!("{part} {namespace}\n{said}");
    lines(&[])
}
fn lines(text: &[&str]) -> BTreeSet<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}
type Table = &'static [(&'static str, &'static [&'static str], &'static [&'static str])];
const PARTS: Table = &[("ca", &[], &[]), ("injector", &[], &[]), ("controller", &[], &[]), ("agent", &[], &[]), ("founding", &[], &[]), ("farewell", &[], &[])];
