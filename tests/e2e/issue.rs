//! How a workload gets its certificate, from the real agent by way of the real CA.

use std::process::Command;

use anyhow::{Result, ensure};
use bulkhead_tests::{DEADLINE, Mesh};

#[test]
fn a_registered_workload_gets_a_leaf_that_strict_verifiers_accept() -> Result<()> {
    let mesh = Mesh::start()?;
    let node = mesh.node("n1", "internal")?;
    let web = node.workload_without_sidecar(mesh.operator(), "ns/shop/sa/web", "internal")?;
    let file = web.steal_identity("web")?;
    let roots = mesh.operator().roots().to_string_lossy().into_owned();
    let verify = ["verify", "-x509_strict", "-CAfile", &roots, "-untrusted", &file, &file];
    let openssl = Command::new("openssl").args(verify).output()?;
    ensure!(openssl.status.success(), "openssl: {}", String::from_utf8_lossy(&openssl.stderr));
    Ok(())
}

#[test]
fn another_user_gets_nothing_from_a_workloads_socket() -> Result<()> {
    let mesh = Mesh::start()?;
    let node = mesh.node("n1", "internal")?;
    let web = node.workload_without_sidecar(mesh.operator(), "ns/shop/sa/web", "internal")?;
    let rogue =
        web.command(&web.rogue_program()?).args(["fetch", "/run/bulkhead/agent/api.sock", &web.stolen_path("web")]);
    let fetched = rogue.run(DEADLINE)?;
    ensure!(!fetched.status.success(), "the application's user got {}", fetched.stdout);
    Ok(())
}

#[test]
fn a_label_above_the_nodes_clearance_is_refused_with_both_in_the_message() -> Result<()> {
    let mesh = Mesh::start()?;
    let node = mesh.node("n1", "internal")?;
    let words =
        ["workload", "register", "--workload", "ns/pay/sa/ledger", "--node", node.name(), "--address", "10.77.9.9"];
    let refused = mesh.operator().command(&words).args(["--label", "restricted:pci"]).run(DEADLINE)?;
    ensure!(refused.status.code() == Some(1), "it ended with {}", refused.status);
    ensure!(refused.stderr.contains("`restricted:pci`") && refused.stderr.contains("`internal`"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn an_address_belongs_to_its_first_owner() -> Result<()> {
    let mesh = Mesh::start()?;
    let (one, other) = (mesh.node("n1", "internal")?, mesh.node("n2", "internal")?);
    let register = |node: &str, account: &str| {
        let words = ["workload", "register", "--workload", account, "--node", node, "--address", "10.77.9.9"];
        mesh.operator().run(&words)
    };
    register(one.name(), "ns/shop/sa/web")?.success("the first registration")?;
    let refused = register(other.name(), "ns/shop/sa/thief")?;
    ensure!(refused.status.code() == Some(1), "it ended with {}", refused.status);
    ensure!(refused.stderr.contains("`ns/shop/sa/web` on node `n1`"), "{}", refused.stderr);
    Ok(())
}
