//! Nothing is acknowledged that is not enforced, closed and on the disk.

use std::fs;
use std::time::Duration;

use bulkhead_protocol::feed::Statement;

use super::world::{Setting, World, cut_of, is_silent};
use crate::testing::policy;

#[tokio::test(start_paused = true)]
async fn a_revocation_is_acknowledged_when_the_last_connection_is_closed_and_not_before() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let (first, second, other) = (world.enter("n2").unwrap(), world.enter("n2").unwrap(), world.enter("n3").unwrap());
    let position = world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    assert_eq!((cut_of(&first).await, cut_of(&second).await), ("revoked", "revoked"));
    drop(first);
    assert!(is_silent(&mut watcher).await, "one close is held back");
    drop(second);
    assert_eq!(watcher.acknowledgement(position).await, 2);
    assert_eq!((other.is_cut(), world.enter("n3").map(|seat| seat.is_cut())), (None, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn nobody_enters_after_a_revocation_even_while_it_is_not_acknowledged() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let held = world.enter("n2").unwrap();
    world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    assert_eq!(cut_of(&held).await, "revoked");
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_held_back_delays_what_came_later_too() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let held = world.enter("n2").unwrap();
    world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    cut_of(&held).await;
    let later = world.ca.cut_off_node("n9");
    watcher.catch_up(&mut world.ca).await;
    assert!(is_silent(&mut watcher).await);
    drop(held);
    assert_eq!(watcher.acknowledgement(later).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_later_policy_allows_again_delays_nothing() {
    let (mut world, mut watcher) = World::following(&Setting::new(), "{}").await;
    let doomed = world.enter("n2").unwrap();
    let refuse_all = policy(r#"{"default": "none"}"#);
    world.ca.say(&Statement::Policy(refuse_all));
    watcher.catch_up(&mut world.ca).await;
    assert_eq!(cut_of(&doomed).await, "denied");
    let position = world.ca.say(&Statement::Policy(policy("{}")));
    watcher.catch_up(&mut world.ca).await;
    world.known(position).await;
    let again = world.enter("n2").unwrap();
    drop(doomed);
    watcher.acknowledgement(position).await;
    assert_eq!(again.is_cut(), None);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_that_is_not_on_the_disk() {
    let setting = Setting::new();
    let state = setting.disk.path().join("later");
    let mut world = setting.start_in(&state);
    let position = world.begin(&policy("{}"));
    let mut watcher = world.call().await;
    watcher.greet(&mut world.ca).await;
    assert!(is_silent(&mut watcher).await, "there is no directory to write to");
    assert_eq!(world.truth.load().position, Some(position), "though it is enforced");
    fs::create_dir(&state).unwrap();
    world.live_on(&mut watcher, Duration::from_secs(6)).await;
    watcher.acknowledgement(position).await;
    assert!(state.join("held").exists());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_holds_only_what_came_before_is_not_enough() {
    let setting = Setting::new();
    let state = setting.disk.path().join("state");
    fs::create_dir(&state).unwrap();
    let mut world = setting.start_in(&state);
    let position = world.begin(&policy("{}"));
    let mut watcher = world.greeted(position).await;
    assert!(is_silent(&mut watcher).await, "every write has ended");
    fs::remove_dir_all(&state).unwrap();
    let position = world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    assert!(is_silent(&mut watcher).await, "the cutoff could not be written");
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked", "though it is enforced");
    fs::create_dir(&state).unwrap();
    world.live_on(&mut watcher, Duration::from_secs(6)).await;
    watcher.acknowledgement(position).await;
}
