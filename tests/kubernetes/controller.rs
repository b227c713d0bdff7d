//! The real `bulkhead-kubernetes controller` before a real API server, with a CA that is played.

use std::fmt::Debug;
use std::fs;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bulkhead_daemon::SystemClock;
use bulkhead_identity::Clock as _;
use bulkhead_lab::binaries;
use bulkhead_tests::DEADLINE;
use bulkhead_tests::kubernetes::ApiServer;
use serde_json::{Value, json};

use crate::running::Running;
use crate::support::fake_ca::{Books, FakeCa, Told};
use crate::support::pki::{DOMAIN, Pki};

/// A controller that runs, and the CA that it speaks to.
pub(crate) struct Controller {
    running: Running,
    pub(crate) books: Arc<Books>,
}

impl Controller {
    /// Starts it with a service account of its own in this namespace, which has the rights that the chart gives it and no
    /// other.
    pub(crate) fn start(server: &ApiServer, namespace: &str) -> Self {
        server.namespace(namespace, &json!({})).unwrap();
        authorize(server, namespace);
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let (books, address) = played_ca();
        fs::write(file("token"), "a token").unwrap();
        fs::write(file("root.pem"), books.pki.bundle().to_pem()).unwrap();
        let mut command = Command::new(binaries::find("bulkhead-kubernetes").unwrap());
        command.arg("controller").args(["--ca", &address, "--trust-domain", DOMAIN, "--namespace", namespace]);
        command.args(["--admin", "127.0.0.1:0"]).arg("--pod-token").arg(file("token"));
        command.arg("--roots").arg(file("root.pem"));
        command.env_clear().env("KUBECONFIG", server.kubeconfig_of(namespace, "bulkhead-controller").unwrap());
        Self { running: Running::start(command, directory).unwrap(), books }
    }

    /// Waits until the CA was told something like this.
    pub(crate) fn until_told(&self, what: &str, holds: impl Fn(&Told) -> bool) -> Told {
        until(what, || self.books.told(), holds, || self.log())
    }

    /// Waits until the admin port answers something like this.
    pub(crate) fn until_says(&self, path: &str, words: &str) {
        self.running.until_says(path, words);
    }

    /// The certificates that namespaces get.
    pub(crate) fn roots(&self) -> String {
        self.books.pki.bundle().to_pem()
    }

    /// Gives it other roots, as when the authority has made new ones.
    pub(crate) fn change_roots(&self, roots: &str) {
        fs::write(self.running.file("root.pem"), roots).unwrap();
    }

    pub(crate) fn log(&self) -> String {
        self.running.log()
    }
}

/// Looks again and again until it is so, under the tests' one deadline.
pub(crate) fn until<T: Debug>(
    what: &str,
    look: impl Fn() -> T,
    holds: impl Fn(&T) -> bool,
    log: impl Fn() -> String,
) -> T {
    let began = Instant::now();
    loop {
        let seen = look();
        if holds(&seen) {
            return seen;
        }
        assert!(began.elapsed() < DEADLINE, "waited in vain for {what}; last seen: {seen:#?}; its log:\n{}", log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// A CA in a thread of its own, which ends with the tests.
fn played_ca() -> (Arc<Books>, String) {
    let books = Books::new(Pki::new(SystemClock::default().now()));
    let (tell, told) = mpsc::channel();
    let its_books = Arc::clone(&books);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ca = FakeCa::start(its_books).await;
            tell.send(ca.address.clone()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    (books, told.recv().unwrap())
}

/// What the chart gives the controller, to the letter.
fn rules() -> Value {
    json!([
        {"apiGroups": [""], "resources": ["pods", "services", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["bulkhead-trust"],
            "verbs": ["list", "watch", "create", "patch", "delete"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    ])
}

fn authorize(server: &ApiServer, namespace: &str) {
    let (name, group) = ("bulkhead-controller", "rbac.authorization.k8s.io");
    let cluster_wide = format!("{name}-{namespace}");
    for object in [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": cluster_wide},
            "rules": rules()}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": cluster_wide},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": cluster_wide},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]}),
    ] {
        server.create(&object, false).unwrap().output().unwrap();
    }
}
