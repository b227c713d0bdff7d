//! What the CA hears, through every break of the stream.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::{SharedClock, Subject as _, SystemClock};
use bulkhead_identity::Clock as _;
use bulkhead_kubernetes::controller::authority::{Authority, Files, Identities};
use bulkhead_kubernetes::controller::cluster::{Asks, Change, Pod, Sight};
use bulkhead_kubernetes::controller::directory::Limits;
use bulkhead_kubernetes::controller::directory::link::Link;
use bulkhead_kubernetes::controller::metrics::{Kind, Metrics};
use bulkhead_kubernetes::controller::shared::Shared;
use bulkhead_mesh::{InstanceId, Timestamp};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::fake_ca::{Books, DEADLINE, FakeCa};
use crate::support::pki::{DOMAIN, Pki};

const LIMITS: Limits =
    Limits { pods: 10_000, services: 10, endpoints: 10, items: 10, bytes: 512 * 1024, unanswered: 2 };

/// A directory source that tells what the test lets it see.
struct Source {
    shared: Arc<Shared>,
    files: TempDir,
    _tasks: JoinSet<()>,
}

impl Source {
    fn start(books: &Books, ca: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = Files {
            token: directory.path().join("token"),
            roots: directory.path().join("root.pem"),
            trust_domain: DOMAIN.parse().unwrap(),
        };
        fs::write(&files.token, "first\n").unwrap();
        fs::write(&files.roots, books.pki.bundle().to_pem()).unwrap();
        let (clock, metrics) = (Arc::new(SystemClock::default()) as SharedClock, Metrics::new());
        let shared = Arc::new(Shared::new(LIMITS, metrics.clone()));
        let authority = Authority::new(vec![ca.to_owned()], files, Arc::clone(&clock));
        let identities = Arc::new(Identities::new(authority.clone(), clock, metrics));
        let link = Link { shared: Arc::clone(&shared), authority, identities: Arc::clone(&identities), limits: LIMITS };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { identities.keep_fresh().await });
        tasks.spawn(async move { link.keep_telling().await });
        Self { shared, files: directory, _tasks: tasks }
    }

    /// Sees these pods and that nothing else is there.
    fn lists(&self, pods: impl IntoIterator<Item = u16>) {
        self.shared.see(Kind::Pods, Sight::Pod(Change::Begins));
        pods.into_iter().for_each(|number| self.sees(number, true));
        self.shared.see(Kind::Pods, Sight::Pod(Change::Complete));
        for change in [Change::Begins, Change::Complete] {
            self.shared.see(Kind::Services, Sight::Service(change));
        }
        for change in [Change::Begins, Change::Complete] {
            self.shared.see(Kind::Slices, Sight::Slice(change));
        }
    }

    fn sees(&self, number: u16, sidecar: bool) {
        let pod = Pod {
            namespace: "shop".into(),
            name: number.to_string().into(),
            account: "web".into(),
            node: "n1".into(),
            addresses: [[10, 1, number.to_be_bytes()[0], number.to_be_bytes()[1]].into()].into(),
            created: Timestamp::from_secs(1000),
            sidecar,
            leaving: false,
            asks: Asks::Itself,
        };
        self.shared.see(Kind::Pods, Sight::Pod(Change::Seen(uid(number), pod)));
    }

    fn loses(&self, number: u16) {
        self.shared.see(Kind::Pods, Sight::Pod(Change::Gone(uid(number))));
    }

    /// Waits for words at `/ready` or in the metrics.
    async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let said = || format!("{:?}\n{}", self.shared.not_ready(), self.shared.metrics());
        let looking = async {
            while !holds(&said()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let came = tokio::time::timeout(DEADLINE, looking).await;
        assert!(came.is_ok(), "waited in vain for {what}; last seen: {}", said());
    }
}

fn uid(number: u16) -> InstanceId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    InstanceId::from_bytes(bytes)
}

fn books() -> Arc<Books> {
    Books::new(Pki::new(SystemClock::default().now()))
}

#[tokio::test]
async fn everything_is_told_then_what_changes() {
    let ca = FakeCa::start(books()).await;
    let source = Source::start(&ca.books, &ca.address);
    source.lists(0..25);
    let told = ca.books.until("everything", |told| told.complete).await;
    assert_eq!((told.tokens, told.streams, told.largest), (vec!["first".to_owned()], 1, 10));
    assert_eq!(told.pods.len(), 25);
    assert_eq!(told.pods["shop/7"].addresses, [[10, 1, 0, 7]]);
    source.sees(7, false);
    source.loses(8);
    let told = ca.books.until("both changes", |told| !told.pods["shop/7"].sidecar && told.pods.len() == 24).await;
    assert!(!told.pods.contains_key("shop/8"));
    source.until("answers to all", |said| said.contains("directory_unanswered_writes 0")).await;
    source.until("a settled directory", |said| said.contains("ca_connected 1")).await;
}

#[tokio::test]
async fn nothing_is_told_before_everything_is_known() {
    let ca = FakeCa::start(books()).await;
    let source = Source::start(&ca.books, &ca.address);
    source.sees(1, true);
    ca.books.until("a certificate", |told| !told.tokens.is_empty()).await;
    source
        .until("the certificate", |said| said.contains(r#"ca_requests_total{asked="attest",outcome="done"} 1"#))
        .await;
    assert_eq!(ca.books.told().streams, 0);
    source.lists([1]);
    ca.books.until("everything", |told| told.complete && told.pods.len() == 1).await;
}

#[tokio::test]
async fn while_the_ca_is_away_the_picture_goes_on_and_the_next_stream_begins_with_all_of_it() {
    let books = books();
    let ca = FakeCa::start(Arc::clone(&books)).await;
    let (source, address) = (Source::start(&books, &ca.address), ca.address.clone());
    source.lists(0..3);
    books.until("everything", |told| told.complete && told.pods.len() == 3).await;
    ca.stop().await;
    source.until("the loss of the CA", |said| said.contains("ca_connected 0")).await;
    source.loses(0);
    source.sees(9, true);
    let _ca = FakeCa::start_as("/control/ca", &address, Arc::clone(&books)).await;
    let told = books.until("everything again", |told| told.streams == 2 && told.complete).await;
    assert_eq!(told.pods.keys().collect::<Vec<_>>(), ["shop/1", "shop/2", "shop/9"]);
    assert_eq!(told.tokens.len(), 1, "the certificate is still good");
}

#[tokio::test]
async fn a_slow_ca_has_few_writes_to_answer_and_misses_nothing() {
    let ca = FakeCa::start(books()).await;
    ca.books.answers.send_replace(false);
    let source = Source::start(&ca.books, &ca.address);
    source.lists(0..100);
    source.until("two unanswered writes", |said| said.contains("directory_unanswered_writes 2")).await;
    for _ in 0..50 {
        (0..100).for_each(|number| source.sees(number, false));
        tokio::task::yield_now().await;
    }
    source.until("no third write", |said| said.contains("directory_writes_total 2")).await;
    ca.books.answers.send_replace(true);
    let told = ca.books.until("the changes", |told| told.pods.values().filter(|pod| !pod.sidecar).count() == 100).await;
    assert!(told.writes <= 13, "many changes of one pod are one: {} writes", told.writes);
}

#[tokio::test]
async fn nobody_but_the_ca_gets_the_token() {
    let ca = FakeCa::start_as("/control/feed", "127.0.0.1:0", books()).await;
    let source = Source::start(&ca.books, &ca.address);
    source.lists([1]);
    source.until("failures", |said| said.contains(r#"ca_requests_total{asked="attest",outcome="failed"} 2"#)).await;
    assert!(ca.books.told().tokens.is_empty());
}

#[tokio::test]
async fn a_certificate_for_something_else_is_not_used() {
    let ca = FakeCa::start(books()).await;
    ca.books.script.lock().unwrap().purpose = "/control/feed";
    let source = Source::start(&ca.books, &ca.address);
    source.lists([1]);
    ca.books.until("two requests", |told| told.tokens.len() == 2).await;
    assert_eq!(ca.books.told().streams, 0);
    ca.books.script.lock().unwrap().purpose = "/control/directory";
    ca.books.until("everything", |told| told.complete).await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_read_anew() {
    let ca = FakeCa::start(books()).await;
    ca.books.script.lock().unwrap().refuse = true;
    let source = Source::start(&ca.books, &ca.address);
    source.lists([1]);
    source.until("a refusal", |said| said.contains(r#"asked="attest",outcome="refused""#)).await;
    fs::write(source.files.path().join("token"), "second").unwrap();
    ca.books.script.lock().unwrap().refuse = false;
    let told = ca.books.until("everything", |told| told.complete).await;
    assert_eq!(told.tokens.last().map(String::as_str), Some("second"));
}

#[tokio::test]
async fn a_renewed_certificate_opens_the_next_stream() {
    let ca = FakeCa::start(books()).await;
    ca.books.script.lock().unwrap().life = Duration::from_secs(6);
    let source = Source::start(&ca.books, &ca.address);
    source.lists([1]);
    ca.books.until("a second stream", |told| told.tokens.len() >= 2 && told.streams >= 2 && told.complete).await;
    source.until("no failure", |said| !said.contains("failed") && !said.contains("refused")).await;
}
