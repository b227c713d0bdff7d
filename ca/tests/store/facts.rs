//! Facts: numbered without gaps, in force until superseded, and never half written.

use bulkhead_ca::store::{FactKind, FactRecord, FactRefusal, Position, StoreError};

use crate::scene::{Scene, append, at, signed};

fn numbers(facts: &[FactRecord]) -> Vec<u64> {
    facts.iter().map(|fact| fact.position.n).collect()
}

#[tokio::test]
async fn facts_count_from_1_in_the_present_incarnation() {
    let scene = Scene::empty();
    let refused = scene.write(|tx| append(tx, FactKind::Cutoff, None)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fact(FactRefusal::NoIncarnation)));
    let begun = scene.write(|tx| tx.begin_incarnation(at(7))).await.unwrap();
    assert_eq!(begun, Position { incarnation: 7000, n: 0 });
    let fact = scene.write(|tx| append(tx, FactKind::Cutoff, Some(at(90)))).await.unwrap();
    assert_eq!(fact.position, Position { incarnation: 7000, n: 1 });
    assert_eq!(fact.signed, signed(fact.position));
    let scene = scene.reopened().await;
    assert_eq!(scene.read(|now| now.facts_in_force(at(8))).await, [fact]);
}

#[tokio::test]
async fn a_new_incarnation_is_greater_whatever_the_clock_says_and_counts_anew() {
    let scene = Scene::new().await;
    scene.write(|tx| append(tx, FactKind::Issuers, None)).await.unwrap();
    let before = scene.read(|now| now.head()).await.unwrap();
    let next = scene.write(|tx| tx.begin_incarnation(at(0))).await.unwrap();
    assert_eq!(next, Position { incarnation: before.incarnation + 1, n: 0 });
    assert_eq!(scene.read(|now| now.facts_in_force(at(2))).await, []);
    assert_eq!(scene.write(|tx| append(tx, FactKind::Issuers, None)).await.unwrap().position.n, 1);
    assert_eq!(scene.read(move |now| now.facts_since(before)).await, None);
}

#[tokio::test]
async fn the_newest_policy_and_issuers_replace_those_before_and_cutoffs_add_up() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            for kind in [FactKind::Policy, FactKind::Issuers, FactKind::Cutoff, FactKind::Policy, FactKind::Cutoff] {
                append(tx, kind, None)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(numbers(&scene.read(|now| now.facts_in_force(at(2))).await), [2, 3, 4, 5]);
    let latest = scene.read(|now| now.latest_fact(FactKind::Policy)).await.unwrap();
    assert_eq!(latest.position.n, 4);
}

#[tokio::test]
async fn a_delta_has_every_fact_after_the_position_superseded_ones_included() {
    let scene = Scene::new().await;
    scene.write(|tx| (0..4).try_for_each(|_| append(tx, FactKind::Policy, None).map(drop))).await.unwrap();
    let head = scene.read(|now| now.head()).await.unwrap();
    for (n, expected) in [(0, Some(vec![1, 2, 3, 4])), (3, Some(vec![4])), (4, Some(vec![])), (5, None)] {
        let since = scene.read(move |now| now.facts_since(Position { n, ..head })).await;
        assert_eq!(since.as_deref().map(numbers), expected);
    }
}

#[tokio::test]
async fn a_fact_ends_after_its_bound_or_when_it_is_lifted() {
    let scene = Scene::new().await;
    scene
        .write(|tx| {
            append(tx, FactKind::Cutoff, Some(at(100)))?;
            append(tx, FactKind::Cutoff, Some(at(200)))?;
            let lift = append(tx, FactKind::Lift, Some(at(200)))?;
            tx.supersede_fact(2, lift.position)
        })
        .await
        .unwrap();
    assert_eq!(numbers(&scene.read(|now| now.facts_in_force(at(100))).await), [1, 3]);
    assert_eq!(numbers(&scene.read(|now| now.facts_in_force(at(101))).await), [3]);
    let head = scene.read(|now| now.head()).await.unwrap();
    let refused = scene.write(move |tx| tx.supersede_fact(2, head)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fact(FactRefusal::NotInForce { n: 2 })));
}

#[tokio::test]
async fn a_signature_that_fails_leaves_no_number_behind() {
    let scene = Scene::new().await;
    let failed = scene.write(|tx| tx.append_fact(FactKind::Policy, None, |_| Err(StoreError::Closed))).await;
    assert!(failed.is_err());
    assert_eq!(scene.write(|tx| append(tx, FactKind::Policy, None)).await.unwrap().position.n, 1);
}
