//! Step: the kubelet, which has no certificate, asks as before; and a Job ends when its work is done.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    let probes =
        shell.ask("kubectl get pods -n shop -l app=db -o jsonpath='{.items[0].spec.containers[0].readinessProbe}'")?;
    teller.saw(&format!("db's readiness probe is asked of the sidecar: {probes}"));
    ensure!(probes.contains("15020"), "the probe is not the sidecar's: {probes}");
    breaks(teller, scene)?;
    job(teller, scene)
}

/// An application that is down fails its probe, and is started again.
fn breaks(teller: &Teller, scene: &Scene) -> Result<()> {
    let shell = &scene.shell;
    let web = Pod::one(shell, "shop", "app=web")?;
    let db = Pod::one(shell, "shop", "app=db")?;
    let restarts = format!(
        "kubectl get pod -n shop {} -o jsonpath='{{.status.containerStatuses[?(@.name==\"app\")].restartCount}}'",
        db.name
    );
    shell.types(teller, &web.app(&format!("fetch {}:8080 /break", db.address)))?;
    shell.until("the kubelet restarts the broken application", &restarts, |printed| {
        (printed.trim() != "0").then_some(())
    })?;
    shell.ask(&format!("kubectl wait -n shop --for=condition=Ready pod/{} --timeout=60s", db.name))?;
    teller.saw("it failed its liveness probe, was started again, and is ready");
    Ok(())
}

fn job(teller: &Teller, scene: &Scene) -> Result<()> {
    let shell = &scene.shell;
    shell.types(teller, "kubectl create -f - <<< '{\"apiVersion\": \"batch/v1\", \"kind\": \"Job\", \"metadata\": {\"name\": \"report\", \"namespace\": \"shop\"}, \"spec\": {\"backoffLimit\": 0, \"template\": {\"spec\": {\"serviceAccountName\": \"report\", \"restartPolicy\": \"Never\", \"containers\": [{\"name\": \"app\", \"image\": \"localhost/bulkhead/app:0.1.0\", \"command\": [\"/lab-app\", \"fetch\", \"db:80\", \"/name\"]}]}}}}'")?;
    shell.types(teller, "kubectl wait -n shop --for=condition=Complete job/report --timeout=90s")?;
    teller.saw(&shell.ask("kubectl logs -n shop job/report -c app")?);
    Ok(())
}
