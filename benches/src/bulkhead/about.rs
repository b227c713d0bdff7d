//! What the arm consists of, for the result.

use std::collections::BTreeMap;

use anyhow::Result;
use bulkhead_tests::workload::CAPTURE;
use bulkhead_tests::{DEADLINE, Mesh, Workload};

use super::{Setting, policy};
use crate::arm::{About, Protection};
use crate::arms::pods;

pub(super) fn of(setting: Setting, mesh: &Mesh, client: &Workload, server: &Workload) -> Result<About> {
    Ok(About {
        summary: summary(setting),
        versions: BTreeMap::from([("bulkhead-proxy".to_owned(), version(mesh)?)]),
        configuration: configuration(setting, client, server)?,
        protection: Protection::MutualTls,
        pooled: true,
        key_exchange: Some("X25519MLKEM768".to_owned()),
        cipher_suite: Some("TLS_AES_256_GCM_SHA384".to_owned()),
    })
}

fn summary(setting: Setting) -> String {
    let with = match setting {
        Setting::Plain => "equal labels may talk".to_owned(),
        Setting::Rules(rules) => format!("the last of {rules} rules lets them talk"),
        Setting::Cutoffs(cutoffs) => format!("equal labels may talk, {cutoffs} others are cut off"),
    };
    format!("Bulkhead: HTTP/2 CONNECT in pooled tunnels over mutual TLS 1.3; {with}")
}

fn version(mesh: &Mesh) -> Result<String> {
    let asked = mesh.ca_host().command(mesh.programs().proxy.to_string_lossy()).arg("--version").run(DEADLINE)?;
    Ok(asked.success("bulkhead-proxy --version")?.stdout.trim().to_owned())
}

fn configuration(setting: Setting, client: &Workload, server: &Workload) -> Result<BTreeMap<String, String>> {
    let sidecar = |end: &Workload| format!("bulkhead-proxy {}", end.sidecar_words().join(" "));
    let always = [
        ("client's sidecar", sidecar(client)),
        ("server's sidecar", sidecar(server)),
        ("capture", format!("bulkhead-proxy {}", CAPTURE.join(" "))),
        ("policy.yaml", policy::abridged(&setting.policy())),
        ("kernel parameters", pods::described(client.pod())?),
    ];
    let seeded = match setting {
        Setting::Cutoffs(cutoffs) => Some(("cutoffs", format!("seed_cutoffs --cutoffs {cutoffs}"))),
        Setting::Plain | Setting::Rules(_) => None,
    };
    Ok(always.into_iter().chain(seeded).map(|(name, text)| (name.to_owned(), text)).collect())
}
