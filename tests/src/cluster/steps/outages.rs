//! Steps: parts of the control plane die, and what runs goes on.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::running::Calls;

/// The CA is killed: nobody notices but pods that are just starting, which wait for it.
pub(super) fn of_the_ca(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let calls = Calls::count(shell)?;
    shell.types(
        teller,
        "kubectl delete pod -n bulkhead-system -l app.kubernetes.io/component=ca --grace-period=0 --force",
    )?;
    calls.without_failure()?;
    shell.types(teller, "kubectl rollout restart -n shop deployment/mail")?;
    shell.ask("kubectl rollout status -n bulkhead-system deployment/bulkhead-ca --timeout=150s")?;
    shell.types(teller, "kubectl rollout status -n shop deployment/mail --timeout=150s")?;
    teller.saw(&format!("{} requests answered meanwhile, none failed", calls.without_failure()?));
    Ok(())
}

/// The API server is killed and comes back: traffic goes on, and what changed afterwards is heard of.
pub(super) fn of_the_api_server(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let Some(cluster) = &scene.cluster else {
        teller.saw("left out: the API server of a cluster of your own is not this story's to kill");
        return Ok(());
    };
    let calls = Calls::count(shell)?;
    let control_plane = scene.repository.join("tests/kubernetes/cluster/control-plane");
    for action in ["kill", "start"] {
        teller.types(&format!("control-plane {action}"));
        shell.ask(&format!("{} {action} {}", control_plane.display(), cluster.display()))?;
    }
    shell.until("the API server answers again", "kubectl get --raw /readyz", |said| {
        (said.trim() == "ok").then_some(())
    })?;
    shell.types(teller, "kubectl rollout restart -n shop deployment/db")?;
    shell.ask("kubectl rollout status -n shop deployment/db --timeout=150s")?;
    let web = Pod::one(shell, "shop", "app=web")?;
    let fetched = shell
        .until("web reaches the new pods of db", &web.app("fetch db:80 /name"), |printed| Some(printed.to_owned()))?;
    teller.saw(&format!("web reaches db's new pods: {fetched}"));
    teller.saw(&format!("{} requests answered meanwhile, none failed", calls.without_failure()?));
    Ok(())
}

/// Without the injector, pods that ask for a sidecar wait, and others start.
pub(super) fn of_the_injector(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    shell.types(teller, "kubectl scale -n bulkhead-system deployment/bulkhead-injector --replicas=0")?;
    shell.until(
        "the injector is gone",
        "kubectl get pods -n bulkhead-system -l app.kubernetes.io/component=injector -o name",
        |names| names.trim().is_empty().then_some(()),
    )?;
    let create = |namespace: &str| {
        format!("kubectl run waits -n {namespace} --image=localhost/bulkhead/app:0.1.0 --command -- /lab-app idle")
    };
    let refused =
        shell.until("a pod of shop is refused", &format!("! {} 2>&1", create("shop")), |said| Some(said.to_owned()))?;
    teller.saw(refused.lines().next().unwrap_or_default());
    ensure!(refused.contains("bulkhead"), "refused by somebody else: {refused}");
    shell.types(teller, &create("default"))?;
    shell.types(teller, "kubectl scale -n bulkhead-system deployment/bulkhead-injector --replicas=2")?;
    shell.ask("kubectl rollout status -n bulkhead-system deployment/bulkhead-injector --timeout=150s")?;
    shell.until("a pod of shop is let in again", &create("shop"), |said| Some(said.to_owned()))?;
    shell.ask("kubectl delete pod waits -n shop --now && kubectl delete pod waits -n default --now").map(drop)
}
