//! The source in a pod, against a CA that does whatever the test wants.

mod ca;
mod chains;
mod world;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_identity::{KeyStore, PrivateKey, StoredIdentity};
use tonic::Code;

use crate::testing::ca::node_cutoff;
use crate::testing::certificates::{LIFETIME, Mesh};
use ca::{Books, FakeCa, Reply};
use world::{Pod, asked};

/// A CA, and a pod of its mesh.
async fn world() -> (FakeCa, Pod) {
    let books = Books::new();
    let ca = FakeCa::start(&books, &books.mesh.control("ca")).await;
    (ca, Pod::new(&books))
}

#[tokio::test]
async fn the_token_becomes_a_certificate_that_only_its_owner_can_read() {
    let (ca, pod) = world().await;
    let mut running = pod.start(&ca.address);
    let svid = running.svid(|_| true).await;
    assert_eq!((svid.generation, svid.id().to_string().as_str()), (1, "spiffe://prod.example/ns/shop/sa/web"));
    assert_eq!(*pod.books.tokens().borrow(), ["first.token.of-it"]);
    assert!(running.identities.obstacle.borrow().is_none());
    assert!(running.identities.own.borrow().is_some());
    assert_eq!(fs::metadata(pod.kept()).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(KeyStore::new(pod.kept()).read().unwrap().unwrap().chain, svid.identity.chain());
    running.stop().await;
}

#[tokio::test]
async fn a_restart_while_the_ca_is_down_goes_on_with_what_was_kept() {
    let (ca, pod) = world().await;
    let (address, mut running) = (ca.address.clone(), pod.start(&ca.address));
    let before = running.svid(|_| true).await;
    running.stop().await;
    ca.stop().await;
    let mut again = pod.start(&address);
    assert_eq!(again.svid(|_| true).await.identity.chain(), before.identity.chain());
    again.stop().await;
}

#[tokio::test]
async fn what_was_kept_for_too_long_is_renewed_at_once_and_serves_until_then() {
    let (ca, pod) = world().await;
    let mut running = pod.start(&ca.address);
    let before = running.svid(|_| true).await;
    running.stop().await;
    pod.books.answer(Reply::Workload { node: "n1", life: LIFETIME * 2 });
    crate::clocks::Clocks::hear(&*pod.books.clocks, before.not_after().minus(Duration::from_hours(1)));
    let mut again = pod.start(&ca.address);
    let after = again.svid(|svid| svid.generation == 2).await;
    assert!(after.not_after() > before.not_after());
    again.stop().await;
}

#[tokio::test]
async fn a_token_that_was_renewed_meanwhile_is_the_one_that_is_shown() {
    let (ca, pod) = world().await;
    pod.books.answer(Reply::Refusal(Code::Unavailable, "the cluster does not answer"));
    let (mut tokens, mut running) = (pod.books.tokens(), pod.start(&ca.address));
    asked(&mut tokens, 1).await;
    running.obstacle("the cluster does not answer").await;
    pod.token("second.token.of-it");
    pod.books.answer(Reply::default());
    running.svid(|_| true).await;
    let tokens = tokens.borrow().clone();
    assert_eq!((&*tokens[0], tokens.last().map(String::as_str)), ("first.token.of-it", Some("second.token.of-it")));
    running.stop().await;
}

#[tokio::test]
async fn files_that_come_late_are_waited_for() {
    let (ca, pod) = world().await;
    pod.token("");
    pod.roots(&[]);
    let mut running = pod.start(&ca.address);
    running.obstacle("root.pem holds no roots").await;
    pod.roots(&[&pod.books.mesh.bundle()]);
    running.obstacle("token holds no token").await;
    pod.token("late.token.of-it");
    running.svid(|_| true).await;
    assert_eq!(*pod.books.tokens().borrow(), ["late.token.of-it"]);
    running.stop().await;
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_cas_words_until_there_is_a_certificate() {
    let (ca, pod) = world().await;
    pod.books.answer(Reply::Refusal(Code::PermissionDenied, "node `n1` is not admitted"));
    let mut running = pod.start(&ca.address);
    let why = running.obstacle("is not admitted").await;
    assert_eq!(&*why, "the CA refused: node `n1` is not admitted");
    assert!(running.identities.svid.borrow().is_none());
    pod.books.answer(Reply::default());
    running.svid(|_| true).await;
    assert!(running.identities.obstacle.borrow().is_none());
    running.stop().await;
}

#[tokio::test]
async fn a_refused_renewal_leaves_the_certificate_until_its_end() {
    let (ca, pod) = world().await;
    pod.books.answer(Reply::Workload { node: "n1", life: Duration::from_secs(4) });
    let mut running = pod.start(&ca.address);
    running.svid(|_| true).await;
    pod.books.answer(Reply::Refusal(Code::PermissionDenied, "the pod is gone"));
    running.obstacle("the pod is gone").await;
    assert!(running.identities.svid.borrow().is_some(), "a refusal takes nothing away");
    let gone = running.identities.svid.wait_for(Option::is_none);
    drop(world::within("its end", gone).await.unwrap());
    running.obstacle("the pod is gone").await;
    running.stop().await;
}

#[tokio::test]
async fn whoever_is_not_the_ca_gets_no_byte_of_the_token() {
    let books = Books::new();
    let (mesh, pod) = (&books.mesh, Pod::new(&books));
    let strangers =
        [mesh.node("n1"), mesh.workload("web", "n1", "internal"), mesh.control("feed"), Mesh::new().control("ca")];
    for shown in strangers {
        let stranger = FakeCa::start(&books, &shown).await;
        let mut running = pod.start(&stranger.address);
        running.obstacle("is not the CA").await;
        running.stop().await;
        stranger.stop().await;
    }
    assert!(books.tokens().borrow().is_empty());
}

#[tokio::test]
async fn the_ca_of_other_roots_gets_no_byte_of_the_token() {
    let (ca, pod) = world().await;
    pod.roots(&[&Mesh::new().bundle()]);
    let mut running = pod.start(&ca.address);
    running.obstacle("is not the CA").await;
    assert!(pod.books.tokens().borrow().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn what_the_feed_cuts_off_is_asked_for_anew_at_once() {
    let (ca, pod) = world().await;
    let (mut tokens, mut running) = (pod.books.tokens(), pod.start(&ca.address));
    running.svid(|_| true).await;
    let mut known = pod.truth.load().as_ref().clone();
    let mut verify = known.verify.as_ref().clone();
    verify.cutoffs.insert(node_cutoff("n1"));
    known.verify = Arc::new(verify);
    pod.truth.store(known);
    // The same again is void, too, and is not taken.
    running.obstacle("the certificate is void").await;
    assert_eq!(running.identities.svid.borrow().as_ref().map(|svid| svid.generation), Some(1));
    pod.books.answer(Reply::Workload { node: "n2", life: LIFETIME });
    running.svid(|svid| svid.generation == 2).await;
    assert!(asked(&mut tokens, 3).await.len() < 10, "with pauses between");
    running.stop().await;
}

#[tokio::test]
async fn what_the_ca_does_not_take_any_more_is_replaced_at_once() {
    let (ca, pod) = world().await;
    let (mut tokens, mut running) = (pod.books.tokens(), pod.start(&ca.address));
    let first = running.svid(|_| true).await;
    pod.books.answer(Reply::Workload { node: "n2", life: LIFETIME });
    running.identities.unwelcome.send_replace(Some(Arc::clone(&first)));
    running.svid(|svid| svid.generation == 2).await;
    // What is said of an earlier one is no news: it does not make the present one void.
    running.identities.unwelcome.send_replace(Some(first));
    pod.token("second.token.of-it");
    let second = running.identities.svid.borrow().clone();
    running.identities.unwelcome.send_replace(second);
    running.svid(|svid| svid.generation == 3).await;
    let shown = ["first.token.of-it", "first.token.of-it", "second.token.of-it"];
    assert_eq!(asked(&mut tokens, 3).await, shown);
    running.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_another_certificate_asked_for() {
    let (ca, pod) = world().await;
    let other = pod.books.mesh.workload("web", "n1", "internal");
    let mismatched = StoredIdentity { key: PrivateKey::generate().unwrap(), chain: other.chain.clone() };
    KeyStore::new(pod.kept()).write(&mismatched).unwrap();
    let mismatched = fs::read(pod.kept()).unwrap();
    let key = PrivateKey::generate().unwrap().to_pem();
    for damaged in [b"".as_slice(), b"no key", key.as_bytes(), &mismatched] {
        pod.leave(damaged);
        let mut running = pod.start(&ca.address);
        running.svid(|_| true).await;
        assert_eq!(fs::read(pod.set_aside()).unwrap(), damaged);
        assert!(KeyStore::new(pod.kept()).read().unwrap().is_some());
        running.stop().await;
    }
}

#[tokio::test]
async fn what_was_kept_under_other_roots_or_for_another_name_is_not_used_and_not_damaged() {
    let (ca, pod) = world().await;
    let strange = Mesh::new().workload("web", "n1", "internal");
    for shown in [strange, pod.books.mesh.workload("db", "n1", "internal")] {
        let key = PrivateKey::from_pkcs8(shown.pkcs8.clone()).unwrap();
        KeyStore::new(pod.kept()).write(&StoredIdentity { key, chain: shown.chain.clone() }).unwrap();
        let mut running = pod.start(&ca.address);
        assert_ne!(running.svid(|_| true).await.identity.chain(), shown.chain);
        assert!(!pod.set_aside().exists());
        running.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_not_this_workloads_is_neither_used_nor_kept() {
    let (ca, pod) = world().await;
    for (reply, words) in [(Reply::Node, "not the purpose"), (Reply::AnotherKey, "for another key")] {
        pod.books.answer(reply);
        let mut running = pod.start(&ca.address);
        running.obstacle(words).await;
        assert!(running.identities.svid.borrow().is_none() && !pod.kept().exists());
        running.stop().await;
    }
}

#[tokio::test]
async fn roots_that_change_on_the_disk_are_taken_in_when_they_vouch_for_what_is_held() {
    let (ca, pod) = world().await;
    let mut running = pod.start(&ca.address);
    let before = running.svid(|_| true).await;
    let (own, next) = (pod.books.mesh.bundle(), Mesh::new().bundle());
    pod.roots(&[&own, &next]);
    let both = running.svid(|svid| svid.bundle.roots().len() == 2).await;
    assert_eq!((both.generation, both.identity.chain()), (2, before.identity.chain()));
    pod.roots(&[&next]);
    running.obstacle("is not the CA").await;
    assert_eq!(running.identities.svid.borrow().as_ref().unwrap().bundle.roots().len(), 2, "the old ones serve on");
    assert_eq!(pod.books.tokens().borrow().len(), 1);
    running.stop().await;
}
