//! Points a pod's probes at the sidecar, and tells the sidecar what they asked.
//!
//! The kubelet has no certificate, and a strict sidecar lets nobody in without one. Programs that are run inside the
//! container (`exec`) need no network, and a probe of another host is none of the sidecar's: both stay as they are.

use std::num::{NonZeroU16, NonZeroU32};

use bulkhead_mesh::probe::{Check, ContainerName, Header, HttpCheck, Probe, ProbeKind, Probes, Scheme, read_path};
use serde_json::{Value, json};

use super::draft::Draft;
use super::pod::{Container, PodView};
use super::proxy::PROBES_VARIABLE;
use super::reason::Refusal;
use super::risks::is_ours;
use crate::names::PROXY_CONTAINER;

/// Redirects every probe that asks over the network, and returns what they asked.
pub(super) fn redirect(draft: &mut Draft, pod: &PodView<'_>) -> Result<Probes, Refusal> {
    let earlier = told_before(pod);
    let grace = seconds(pod.root.pointer("/spec/terminationGracePeriodSeconds")).unwrap_or(GRACE);
    let mut found = Vec::new();
    for container in pod.containers().filter(|container| !is_ours(container)) {
        for (place, kind) in PLACES {
            let Some(handler) = container.fields.pointer(place) else { continue };
            let asked = Asked { container, name: name(&container)?, kind, handler, grace };
            if let Some(probe) = asked.probe(&earlier)? {
                point(draft, &format!("{}{place}", container.pointer()), &probe);
                found.push(probe);
            }
        }
    }
    Ok(Probes::new(found)?)
}

/// Where a handler stands in a container.
const PLACES: [(&str, ProbeKind); 5] = [
    ("/startupProbe", ProbeKind::Startup),
    ("/livenessProbe", ProbeKind::Liveness),
    ("/readinessProbe", ProbeKind::Readiness),
    ("/lifecycle/postStart", ProbeKind::PostStart),
    ("/lifecycle/preStop", ProbeKind::PreStop),
];

/// What an earlier call has told the sidecar; what cannot be read was not told by us.
fn told_before(pod: &PodView<'_>) -> Probes {
    let sidecar = pod.containers().find(|container| is_ours(container) && container.name() == PROXY_CONTAINER);
    let variables = sidecar.and_then(|container| container.fields.get("env")?.as_array());
    let told =
        variables.into_iter().flatten().find(|one| one.get("name").and_then(Value::as_str) == Some(PROBES_VARIABLE));
    let text = told.and_then(|variable| variable.get("value")?.as_str());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn name(container: &Container<'_>) -> Result<ContainerName, Refusal> {
    let place = || format!("{}/name", container.pointer());
    container.name().parse().map_err(|_| Refusal::Malformed { place: place(), expected: "a name as RFC 1123 has it" })
}

/// Replaces the handler; how often it is asked, and what a failure means, stays.
fn point(draft: &mut Draft, pointer: &str, probe: &Probe) {
    for other in ["tcpSocket", "grpc"] {
        draft.remove(&format!("{pointer}/{other}"));
    }
    let ours = json!({"path": probe.path(), "port": Probe::PORT, "scheme": "HTTP"});
    draft.set(&format!("{pointer}/httpGet"), ours);
}

struct Asked<'a> {
    container: Container<'a>,
    name: ContainerName,
    kind: ProbeKind,
    handler: &'a Value,
    grace: NonZeroU32,
}

impl Asked<'_> {
    /// The probe, if it asks over the network and this pod.
    fn probe(&self, earlier: &Probes) -> Result<Option<Probe>, Refusal> {
        let probe = match self.redirected(earlier) {
            Some(probe) => probe,
            None => match self.check()? {
                Some(check) => self.asks(check),
                None => return Ok(None),
            },
        };
        let port = probe.check.port();
        if Probe::RESERVED.contains(&port) {
            return Err(Refusal::ProbeOfTheSidecar { container: probe.container, kind: probe.kind, port });
        }
        Ok(Some(probe))
    }

    fn asks(&self, check: Check) -> Probe {
        Probe { container: self.name.clone(), kind: self.kind, check, timeout_seconds: self.timeout() }
    }

    /// What it asked before an earlier call redirected it.
    fn redirected(&self, earlier: &Probes) -> Option<Probe> {
        let get = self.handler.get("httpGet")?;
        let is_ours = get.get("port").and_then(Value::as_u64) == Some(Probe::PORT.into());
        let asked = read_path(get.get("path")?.as_str()?)?;
        if is_ours && asked == (self.name.clone(), self.kind) {
            earlier.find(&self.name, self.kind).cloned()
        } else {
            None
        }
    }

    fn check(&self) -> Result<Option<Check>, Refusal> {
        let named =
            |field: &str| self.handler.get(field).filter(|handler| handler.is_object() && is_of_the_pod(handler));
        if let Some(get) = named("httpGet") {
            return self.http(get).map(|check| Some(Check::Http(check)));
        }
        if self.kind.is_hook() {
            return Ok(None); // Kubernetes runs no other that asks over the network, and says so.
        }
        if let Some(socket) = named("tcpSocket") {
            return Ok(Some(Check::Tcp { port: self.port(socket)? }));
        }
        let Some(grpc) = named("grpc") else { return Ok(None) };
        Ok(Some(Check::Grpc { port: self.port(grpc)?, service: text(grpc, "service") }))
    }

    fn http(&self, get: &Value) -> Result<HttpCheck, Refusal> {
        let path = text(get, "path");
        let scheme = if text(get, "scheme") == "HTTPS" { Scheme::Https } else { Scheme::Http };
        let headers = get.get("httpHeaders").and_then(Value::as_array).into_iter().flatten();
        let headers = headers.map(|header| Header { name: text(header, "name"), value: text(header, "value") });
        // Kubernetes asks for `/` where nothing is said, and puts a `/` before what has none.
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        Ok(HttpCheck { scheme, port: self.port(get)?, path, headers: headers.collect() })
    }

    fn port(&self, handler: &Value) -> Result<NonZeroU16, Refusal> {
        let given = handler.get("port").unwrap_or(&Value::Null);
        self.container.port(given).ok_or_else(|| Refusal::ProbePort {
            container: self.name.clone(),
            kind: self.kind,
            port: given.as_str().map_or_else(|| given.to_string(), str::to_owned),
        })
    }

    /// What the kubelet takes where nothing is said. A hook has no limit of its own: the one before the end must be over
    /// when the pod's grace is, and the other one may take as long as it takes.
    fn timeout(&self) -> NonZeroU32 {
        match self.kind {
            ProbeKind::PreStop => self.grace,
            ProbeKind::PostStart => SECONDS_OF_A_START,
            _ => seconds(self.handler.get("timeoutSeconds")).unwrap_or(NonZeroU32::MIN),
        }
    }
}

fn seconds(given: Option<&Value>) -> Option<NonZeroU32> {
    given.and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok()).and_then(NonZeroU32::new)
}

/// Whether the handler asks the pod itself; with a `host` it asks somebody else.
fn is_of_the_pod(handler: &Value) -> bool {
    text(handler, "host").is_empty()
}

fn text(handler: &Value, field: &str) -> String {
    handler.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

const SECONDS_OF_A_START: NonZeroU32 = NonZeroU32::new(3600).expect("3600 is not 0");
/// Of a pod that says nothing else.
const GRACE: NonZeroU32 = NonZeroU32::new(30).expect("30 is not 0");
