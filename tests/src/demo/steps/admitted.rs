//! Step 1: who is in the mesh.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::DEADLINE;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let operator = scene.mesh.operator();
    for words in [["node", "list"], ["workload", "list"]] {
        teller.types(&format!("bulkhead {}", words.join(" ")));
        teller.saw(&operator.command(&words).run(DEADLINE)?.success(&words.join(" "))?.stdout);
    }
    let nodes = operator.json(&["node", "list"])?;
    let admitted =
        nodes.as_array().into_iter().flatten().filter(|node| node["state"] == "admitted" && node["epoch"] == 1);
    ensure!(admitted.count() == 5, "not five nodes are admitted: {nodes}");
    let workloads = operator.json(&["workload", "list"])?;
    let issued = workloads.as_array().into_iter().flatten();
    let issued = issued.filter(|workload| workload["state"] == "issued" && workload["serial"].is_string());
    ensure!(issued.count() == 6, "not six workloads have certificates: {workloads}");
    Ok(())
}
