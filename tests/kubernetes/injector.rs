//! The real `bulkhead-kubernetes injector` before a real API server, as the chart installs it: with the rights, the flags and
//! the webhook configuration that the chart gives it, and no other. Only the address is not a Service's.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, Result};
use bulkhead_lab::binaries;
use bulkhead_tests::kubernetes::{ApiServer, Said};
use serde_json::{Value, json};

use crate::chart::objects;
use crate::controller::until;
use crate::mesh;
use crate::running::Running;

/// An API server with the chart's objects, but without anybody who would run its Deployments.
pub(crate) struct Scene {
    pub(crate) server: ApiServer,
    /// The Deployment's container.
    container: Value,
}

/// A scene and its one injector.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) injector: Running,
}

impl Scene {
    /// Without an injector yet.
    pub(crate) fn start() -> Result<Self> {
        let server = ApiServer::start()?;
        server.namespace(SYSTEM, &json!({}))?;
        let objects = objects(&server, SYSTEM, "client", &[])?;
        let is_injectors = |object: &&Value| object["kind"] == "Deployment" && object["metadata"]["name"] == NAME;
        let deployment = objects.iter().find(is_injectors).context("the chart has the injector")?;
        let container = deployment["spec"]["template"]["spec"]["containers"][0].clone();
        let standing = objects.into_iter().filter(|object| STANDING.iter().any(|kind| object["kind"] == *kind));
        let standing: Vec<_> = standing.map(nowhere).collect();
        server.create(&json!({"apiVersion": "v1", "kind": "List", "items": standing}), false)?.output()?;
        Ok(Self { server, container })
    }

    /// An injector that is not asked by anybody yet.
    pub(crate) fn injector(&self, more: &[&str]) -> Result<Running> {
        let mut command = Command::new(binaries::find("bulkhead-kubernetes")?);
        command.env_clear().env("KUBECONFIG", self.server.kubeconfig_of(SYSTEM, NAME)?);
        for variable in self.container["env"].as_array().into_iter().flatten() {
            command.env(text(&variable["name"])?, text(&variable["value"])?);
        }
        for word in self.container["args"].as_array().into_iter().flatten() {
            let word = text(word)?;
            if !["--listen=", "--admin="].iter().any(|flag| word.starts_with(flag)) {
                command.arg(word);
            }
        }
        command.args(["--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--serving-name=127.0.0.1"]);
        command.args(["--certificate-check=1"]).args(more);
        Running::start(command, tempfile::tempdir()?)
    }

    /// Has these webhooks ask this injector.
    pub(crate) fn ask(&self, injector: &Running, webhooks: &[&str]) -> Result<()> {
        let address = until("an address", || injector.said("listen"), Option::is_some, || injector.log());
        let url = format!("https://{}/inject", address.unwrap_or_default());
        let webhooks = webhooks.iter().map(|name| json!({"name": name, "clientConfig": {"url": url}}));
        let patch = json!({"webhooks": webhooks.collect::<Vec<_>>()}).to_string();
        self.server.kubectl(&["patch", CONFIGURATION, NAME, "-p", &patch])?.output().map(drop)
    }

    /// Waits until pods like this one are let in, with their sidecar: the API server hears of every change a moment later.
    pub(crate) fn until_injected(&self, pod: &Value, injector: &Running) {
        let look = || self.server.create(pod, true).unwrap();
        until("a sidecar", look, |said| said.done && is_injected(&said.output), || injector.log());
    }

    /// Makes a namespace for pods, whose pods get a sidecar, or not.
    pub(crate) fn namespace(&self, name: &str, labels: &Value) {
        self.server.namespace(name, labels).unwrap();
    }

    /// What kubectl does, or says that it cannot.
    pub(crate) fn kubectl(&self, words: &[&str]) -> Said {
        self.server.kubectl(words).unwrap()
    }

    /// Waits for an Event for this reason about an object, and returns its sentence.
    pub(crate) fn event(&self, namespace: &str, kind: &str, name: &str, reason: &str, injector: &Running) -> String {
        let fields = format!("--field-selector=regarding.kind={kind},regarding.name={name},reason={reason}");
        let look = || {
            let get = ["get", "events.events.k8s.io", "-n", namespace, &fields, "-o", "jsonpath={.items[*].note}"];
            self.kubectl(&get).output().unwrap()
        };
        until("an Event", look, |note| !note.is_empty(), || injector.log())
    }
}

impl Stage {
    /// With an injector that is ready and that the API server asks.
    pub(crate) fn start(more: &[&str]) -> Result<Self> {
        let scene = Scene::start()?;
        let injector = scene.injector(more)?;
        scene.ask(&injector, &WEBHOOKS)?;
        injector.until_says("/ready", "HTTP/1.1 200");
        scene.namespace(TRIAL, &enabled());
        scene.until_injected(&app(TRIAL), &injector);
        Ok(Self { scene, injector })
    }

    /// The stage that other tests use at this moment, or a new one, which ends with the last test that has it.
    pub(crate) fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Stage>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let started = Self::start(&[]).unwrap_or_else(|error| panic!("there is no injector: {error:#}"));
            let started = Arc::new(started);
            *running = Arc::downgrade(&started);
            started
        })
    }
}

/// A pod with one container, whose name is made up.
pub(crate) fn app(namespace: &str) -> Value {
    mesh::pod(namespace, &json!({"containers": [{"name": "app", "image": "app:1"}]}))
}

/// The same with a name.
pub(crate) fn named(namespace: &str, name: &str) -> Value {
    let mut pod = app(namespace);
    pod["metadata"] = json!({"name": name, "namespace": namespace});
    pod
}

/// The labels of a namespace whose pods get their sidecar.
pub(crate) fn enabled() -> Value {
    json!({"bulkhead-mesh.dev/inject": "enabled"})
}

/// Whether the pod has both containers of the mesh before all others.
pub(crate) fn is_injected(pod: &str) -> bool {
    let pod: Value = serde_json::from_str(pod).unwrap();
    let name = |index: usize| &pod["spec"]["initContainers"][index]["name"];
    name(0) == "bulkhead-capture" && name(1) == "bulkhead-proxy"
}

/// A configuration that asks nobody yet, and everything else as it is.
fn nowhere(mut object: Value) -> Value {
    for webhook in object.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
        webhook["clientConfig"] = json!({"url": "https://127.0.0.1:1/inject"});
    }
    object
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

/// The release's namespace.
pub(crate) const SYSTEM: &str = "bulkhead-system";
/// The injector's Deployment, account, and webhook configuration.
pub(crate) const NAME: &str = "bulkhead-injector";
pub(crate) const CONFIGURATION: &str = "mutatingwebhookconfiguration";
pub(crate) const WEBHOOKS: [&str; 3] = [BY_NAMESPACE, BY_POD, OF_CHANGES];
pub(crate) const BY_NAMESPACE: &str = "namespace.injector.bulkhead-mesh.dev";
pub(crate) const BY_POD: &str = "pod.injector.bulkhead-mesh.dev";
pub(crate) const OF_CHANGES: &str = "change.injector.bulkhead-mesh.dev";
const TRIAL: &str = "trial";
/// What of the chart stands without anybody who would run something.
const STANDING: [&str; 7] = [
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "Secret",
    "MutatingWebhookConfiguration",
];
