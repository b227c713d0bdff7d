//! Step: the applications without any mesh, so that what they lose and gain can be compared.

use anyhow::{Result, ensure};

use super::{Scene, Teller};
use crate::cluster::pods::Pod;
use crate::cluster::wire::Recording;

/// Every application of the shop, by the label `app`.
pub(super) const APPS: [&str; 6] = ["web", "db", "store", "mail", "queue", "caller"];

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let shell = &scene.shell;
    scene.before = Some(objects(scene)?);
    shell.types(teller, "kubectl apply -f shop.yaml")?;
    all_ready(scene)?;
    let pods = Pod::all(shell, "shop", "app")?;
    ensure!(pods.iter().all(|pod| !pod.is_meshed()), "a pod has a sidecar before anything was installed");
    scene.ready_without = pods.iter().map(Pod::seconds_to_ready).collect::<Result<_>>()?;
    teller.saw(&format!("{} pods ready, each after {:?} s", pods.len(), scene.ready_without));
    let Some(cluster) = &scene.cluster else { return Ok(()) };
    let recording = Recording::begin(cluster)?;
    let (web, db) = apart(scene)?;
    let fetched = shell.types(teller, &web.app(&format!("fetch {}:8080 /hex", db.address)))?;
    teller.saw(&fetched);
    bulkhead_lab::until(crate::DEADLINE, "the wire shows what was fetched", || {
        recording.so_far().is_ok_and(|capture| capture.payload_contains(b"GET /hex HTTP/1.1")).then_some(())
    })?;
    teller.saw("on the wire between the nodes: `GET /hex HTTP/1.1`, for everybody to read");
    Ok(())
}

/// Waits until every application of the story is rolled out.
pub(super) fn all_ready(scene: &Scene) -> Result<()> {
    for app in APPS {
        let kind = if app == "store" { "statefulset" } else { "deployment" };
        scene.shell.ask(&format!("kubectl rollout status -n shop {kind}/{app} --timeout=150s"))?;
    }
    scene.shell.ask("kubectl rollout status -n pay deployment/ledger --timeout=150s").map(drop)
}

/// A pod `web` and a pod `db` on different nodes.
pub(super) fn apart(scene: &Scene) -> Result<(Pod, Pod)> {
    let (webs, dbs) = (Pod::all(&scene.shell, "shop", "app=web")?, Pod::all(&scene.shell, "shop", "app=db")?);
    let pairs = webs.iter().flat_map(|web| dbs.iter().map(move |db| (web, db)));
    let mut apart = pairs.filter(|(web, db)| web.node != db.node && web.is_ready() && db.is_ready());
    let found = apart.next().map(|(web, db)| (web.clone(), db.clone()));
    found.ok_or_else(|| anyhow::anyhow!("no pods web and db on different nodes: {webs:?} {dbs:?}"))
}

/// The names of everything that an installation could leave behind.
pub(super) fn objects(scene: &Scene) -> Result<String> {
    const KINDS: &str = "namespaces,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,priorityclasses,customresourcedefinitions";
    scene.shell.ask(&format!("kubectl get {KINDS} -o name"))
}
