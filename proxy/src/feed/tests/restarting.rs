//! What a restart keeps, and what becomes of a disk that is not to be believed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::world::{Setting, World};
use crate::testing::ca::TestCa;
use crate::testing::certificates::NOW;
use crate::testing::policy;

/// A proxy that knows of one cutoff and has stopped.
async fn one_cutoff(setting: &Setting) {
    let (mut world, mut watcher) = World::following(setting, "{}").await;
    let position = world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    watcher.acknowledgement(position).await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_without_the_ca_brings_no_one_back_and_lets_the_others_pass() {
    let setting = Setting::new();
    one_cutoff(&setting).await;
    let mut world = setting.after(Duration::from_mins(1)).start();
    let _silent = world.call().await;
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked");
    assert!(world.enter("n3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_restored_is_acknowledged_without_being_sent_again() {
    let setting = Setting::new();
    let (mut world, mut watcher) = World::following(&setting, "{}").await;
    let position = world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    watcher.acknowledgement(position).await;
    let log = std::mem::replace(&mut world.ca, TestCa::new(&setting.mesh, &world.clocks));
    world.stop().await;
    let mut world = setting.after(Duration::from_mins(1)).start();
    world.ca = log;
    let mut watcher = world.call().await;
    let welcome = watcher.welcome(&mut world.ca).await;
    assert!(!welcome.snapshot, "the CA goes on where the disk ends");
    watcher.reply(bulkhead_protocol::v1::watch_reply::Message::Welcome(welcome)).await;
    assert_eq!(watcher.acknowledgement(position).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_ca_that_has_forgotten_a_cutoff_does_not_take_it_away() {
    let setting = Setting::new();
    one_cutoff(&setting).await;
    let mut world = setting.after(Duration::from_mins(1)).start();
    world.ca = TestCa::with_key(&setting.mesh.control("feed"), 2, &world.clocks);
    let position = world.begin(&policy("{}"));
    world.greeted(position).await;
    assert_eq!(world.truth.load().position, Some(position));
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked");
    assert!(world.enter("n3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_cutoff_is_kept_though_the_certificate_of_the_feed_has_ended_since() {
    let setting = Setting::new();
    let mut world = setting.start();
    let soon = NOW.plus(Duration::from_mins(1));
    world.ca = TestCa::with_key(&setting.mesh.control_until("feed", soon), 1, &world.clocks);
    let position = world.begin(&policy("{}"));
    let mut watcher = world.greeted(position).await;
    let position = world.ca.cut_off_node("n2");
    watcher.catch_up(&mut world.ca).await;
    watcher.acknowledgement(position).await;
    world.stop().await;
    let mut world = setting.after(Duration::from_hours(1)).start();
    let _silent = world.call().await;
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_year_behind_brings_no_one_back() {
    let setting = Setting::new();
    one_cutoff(&setting).await;
    let behind = Duration::from_hours(365 * 24);
    let mut world = Setting { behind, ..setting.after(Duration::from_mins(1)) }.start();
    let _silent = world.call().await;
    assert_eq!(world.enter("n2").unwrap_err().as_str(), "revoked");
    assert!(world.enter("n3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_disk_lets_nothing_pass_until_the_ca_is_heard() {
    let setting = Setting::new();
    one_cutoff(&setting).await;
    let path = setting.disk.path().join("held");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let mut world = setting.after(Duration::from_mins(1)).start();
    let mut watcher = world.call().await;
    assert!(world.enter("n3").is_err());
    assert_eq!(fs::read(setting.disk.path().join("held.damaged")).unwrap(), bytes);
    let position = world.begin(&policy("{}"));
    watcher.greet(&mut world.ca).await;
    watcher.acknowledgement(position).await;
    assert!(world.enter("n3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_disk_of_another_mesh_is_not_believed() {
    let setting = Setting::new();
    one_cutoff(&setting).await;
    let stranger = Setting { mesh: Setting::new().mesh, ..setting.after(Duration::from_mins(1)) };
    let mut world = stranger.start();
    world.call().await;
    assert_eq!(world.truth.load().position, None);
    assert!(setting.disk.path().join("held").exists(), "with the right root it will be believed");
}

#[tokio::test]
async fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let setting = Setting::new();
    let path = setting.disk.path().join("held");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let world = setting.start();
    // Opened when the reader has opened its end, who then waits for what never comes.
    let never = spawn_blocking(|| fs::OpenOptions::new().write(true).open(path)).await.unwrap().unwrap();
    timeout(Duration::from_secs(30), world.stop()).await.unwrap();
    drop(never);
}
