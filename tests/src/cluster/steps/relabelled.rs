//! Step: the security team says that an account is more sensitive than it was, and its pods are that at once.

use anyhow::Result;

use super::{Scene, Teller};
use crate::cluster::pods::Pod;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let web = Pod::one(shell, "shop", "app=web")?;
    let call = web.app("half-close queue:7000");
    teller.saw(&shell.types(teller, &call)?);
    let labels =
        shell.ask("kubectl get configmap bulkhead-labels -n bulkhead-system -o jsonpath='{.data.labels\\.yaml}'")?;
    let more = format!("{}\n- {{ namespace: shop, service-account: queue, label: confidential }}\n", labels.trim_end());
    shell.types(teller, &patch(&more))?;
    teller.types(&call);
    // What was issued under the old label is cut off first; then the pod has a certificate with the new one, and is refused by it.
    let log = format!("! {call} 2>&1; kubectl logs -n shop {} -c bulkhead-proxy --tail=20", web.name);
    let line = shell.until("web does not reach queue any more, by its label", &log, |log| {
        log.lines().rev().find(|line| line.contains("may not reach `confidential`")).map(str::to_owned)
    })?;
    teller.saw(&line);
    shell.types(teller, &patch(&labels))?;
    teller.saw(&shell.until("web reaches queue again", &call, |said| Some(said.to_owned()))?);
    Ok(())
}

fn patch(labels: &str) -> String {
    let data = serde_json::json!({"data": {"labels.yaml": labels}});
    format!("kubectl patch configmap bulkhead-labels -n bulkhead-system --type merge -p '{data}'")
}
