//! Step: uninstalling says who still has a sidecar, and leaves behind what `keep` names.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};

use super::shop::{all_ready, objects};
use super::{Scene, Teller};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let refused = shell.fails("helm uninstall bulkhead -n bulkhead-system --timeout 60s")?;
    teller.types("helm uninstall bulkhead -n bulkhead-system");
    teller.saw(refused.lines().next().unwrap_or_default());
    shell.types(teller, "kubectl label namespace shop pay bulkhead-mesh.dev/inject-")?;
    shell.types(
        teller,
        "kubectl rollout restart deployment,statefulset -n shop && kubectl rollout restart deployment -n pay",
    )?;
    all_ready(scene)?;
    shell
        .ask("kubectl delete job -n shop --all --wait && kubectl delete pod -n shop -l run --now --ignore-not-found")?;
    shell.until(
        "no pod with a sidecar is left",
        "kubectl get pods -A -o jsonpath='{.items[*].spec.initContainers[*].name}'",
        |names| (!names.contains("bulkhead-proxy")).then_some(()),
    )?;
    shell.types(teller, "helm uninstall bulkhead -n bulkhead-system --timeout 120s")?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let before = lines(scene.before.as_deref().context("the story began with a look at the objects")?);
    let left: Vec<_> = lines(&objects(scene)?).difference(&before).cloned().collect();
    teller.saw(&format!("left of what is not in a namespace: {left:?}"));
    let stories = ["namespace/shop", "namespace/pay", "namespace/outside", "namespace/bulkhead-system"];
    ensure!(
        left.iter().all(|name| stories.contains(&name.as_str())),
        "the installation has left something behind: {left:?}"
    );
    let kept = shell
        .ask("kubectl get all,configmaps,secrets,pvc,serviceaccounts,roles,rolebindings -n bulkhead-system -o name")?;
    teller.saw(&kept);
    Ok(())
}
