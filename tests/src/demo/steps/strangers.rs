//! Step 4: who is not a workload of the mesh gets nowhere.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::{DEADLINE, was_refused};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    in_clear(teller, scene)?;
    let directory = scene.mesh.lab().directory();
    let (node, operator) = (directory.join("stolen-node.pem"), directory.join("stolen-operator.pem"));
    std::fs::write(&node, scene.nodes[2].stolen_identity()?)?;
    std::fs::write(&operator, scene.mesh.operator().identity()?)?;
    for (whose, identity) in [
        ("nobody's certificate", "none".to_owned()),
        ("a self-signed certificate", "self-signed".to_owned()),
        ("the certificate of node n3", node.to_string_lossy().into_owned()),
        ("the operator's certificate", operator.to_string_lossy().into_owned()),
    ] {
        with_certificate(teller, scene, whose, &identity)?;
    }
    Ok(())
}

fn in_clear(teller: &Teller, scene: &Scene) -> Result<()> {
    let url = format!("http://{}:8080/name", scene.db.pod().ipv4());
    teller.types(&format!("curl {url}            # on the stranger, without any sidecar"));
    let curl = scene.stranger.command("curl").args(["-sS", "--max-time", "10", &url]).run(DEADLINE)?;
    teller.saw(&curl.stderr);
    ensure!(was_refused(&curl), "plaintext to db ended with {}: {}", curl.status, curl.stdout);
    Ok(())
}

fn with_certificate(teller: &Teller, scene: &Scene, whose: &str, identity: &str) -> Result<()> {
    let db = scene.db.pod().ipv4();
    let (to, authority) = (format!("{db}:15008"), format!("{db}:8080"));
    teller.types(&format!("lab-rogue connect ... {to}      # with {whose}"));
    let rogue = scene.stranger.command(scene.web.rogue_program()?).args(["connect", identity, &to, &authority]);
    let answer = rogue.run(DEADLINE)?.success("lab-rogue")?.stdout.trim().to_owned();
    teller.saw(&answer);
    ensure!(answer.starts_with("refused"), "{whose} was not refused: {answer}");
    Ok(())
}
