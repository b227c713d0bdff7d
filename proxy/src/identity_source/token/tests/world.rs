//! A pod as its sidecar finds it: the token, the roots, a place to keep things, and what is true.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::Stopper;
use bulkhead_identity::TrustBundle;
use bulkhead_protocol::attestation::{RootsFile, TokenFile};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ca::Books;
use crate::identity_source::token::TokenSource;
use crate::identity_source::{Identities, IdentitySource, Origin, Svid};
use crate::testing::certificates::id;
use crate::testing::{knowledge, policy};
use crate::truth::Truth;

pub(super) struct Pod {
    pub(super) books: Arc<Books>,
    pub(super) truth: Arc<Truth>,
    home: TempDir,
}

/// A source that runs.
pub(super) struct Running {
    pub(super) identities: Identities,
    stopper: Stopper,
    tasks: JoinSet<()>,
}

impl Pod {
    pub(super) fn new(books: &Arc<Books>) -> Self {
        let (truth, home) = (Truth::new(), tempfile::tempdir().unwrap());
        truth.store(knowledge(&books.mesh, &policy("{}")));
        let pod = Self { books: Arc::clone(books), truth, home };
        pod.token("first.token.of-it");
        pod.roots(&[&books.mesh.bundle()]);
        pod
    }

    pub(super) fn token(&self, text: &str) {
        fs::write(self.path("token"), text).unwrap();
    }

    pub(super) fn roots(&self, bundles: &[&TrustBundle]) {
        // As the kubelet does it: the whole file at once.
        fs::write(self.path("new"), bundles.iter().map(|bundle| bundle.to_pem()).collect::<String>()).unwrap();
        fs::rename(self.path("new"), self.path("root.pem")).unwrap();
    }

    pub(super) fn kept(&self) -> PathBuf {
        self.path("identity.pem")
    }

    pub(super) fn set_aside(&self) -> PathBuf {
        self.path("identity.damaged")
    }

    /// What an earlier run seems to have left.
    pub(super) fn leave(&self, bytes: &[u8]) {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.kept())
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    /// A sidecar of the account `web` starts.
    pub(super) fn start(&self, ca: &str) -> Running {
        let origin = Origin::PodToken(TokenSource {
            token: TokenFile::new(self.path("token")),
            roots: RootsFile::new(self.path("root.pem"), "prod.example".parse().unwrap()),
            ca: vec![ca.to_owned()],
            state: self.home.path().into(),
            look_at_roots_every: Duration::from_millis(20),
        });
        let source = IdentitySource { origin, expected: Some(id("/ns/shop/sa/web")) };
        let (mut tasks, (stopper, stop)) = (JoinSet::new(), Stopper::new());
        let identities = source.start(&self.truth, self.books.clocks.clone(), &mut tasks, stop);
        Running { identities, stopper, tasks }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

impl Running {
    /// Waits until this certificate is there.
    pub(super) async fn svid(&mut self, is_it: impl Fn(&Svid) -> bool) -> Arc<Svid> {
        let found = self.identities.svid.wait_for(|svid| svid.as_deref().is_some_and(&is_it));
        within("a certificate", found).await.unwrap().clone().unwrap()
    }

    /// Waits until something is said to be in the way.
    pub(super) async fn obstacle(&mut self, words: &str) -> Arc<str> {
        let is_it = |why: &Option<Arc<str>>| why.as_deref().is_some_and(|why| why.contains(words));
        within(words, self.identities.obstacle.wait_for(is_it)).await.unwrap().clone().unwrap()
    }

    pub(super) async fn stop(self) {
        self.stopper.stop();
        within("the source to end", self.tasks.join_all()).await;
    }
}

/// Waits until the CA has seen so many requests; their tokens.
pub(super) async fn asked(tokens: &mut watch::Receiver<Vec<String>>, times: usize) -> Vec<String> {
    within("requests", tokens.wait_for(|tokens| tokens.len() >= times)).await.unwrap().clone()
}

pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
