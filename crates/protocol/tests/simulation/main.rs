//! One CA core and twenty subscribers, joined by a bad network, over minutes of simulated time for each of 200 seeds.
//!
//! Connections break, stall, overlap and are tampered with; clocks jump; watchers restart from their disks; the CA
//! restarts, loses its last facts to a backup, goes on under another history, and sometimes does not notice that. After
//! each step of a watcher it is checked that what it believes was written by the CA, whole and in order, that nothing
//! cut off has come back, and that nothing is acknowledged that is not enforced. When the faults end, all must agree.
//!
//! Everything hangs on the seed. `BULKHEAD_SEED=17` replays one and prints what happens.

#![allow(unreachable_pub, missing_docs, reason = "modules of one test")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers of a simulation")]

mod authority;
mod dice;
mod hostile;
mod link;
mod record;
mod watcher;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::World;

const SEEDS: u64 = 200;

#[test]
fn watchers_hold_the_truth_whatever_the_network_does() {
    match std::env::var("BULKHEAD_SEED") {
        Ok(seed) => World::new(seed.parse().expect("BULKHEAD_SEED is a number"), true).run(),
        Err(_) => run_all(),
    }
}

fn run_all() {
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let shares = (0..workers).map(|first| scope.spawn(move || failures((first..SEEDS).step_by(workers as usize))));
        let shares: Vec<_> = shares.collect();
        shares.into_iter().flat_map(|share| share.join().expect("failures are caught")).collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}; replay one with BULKHEAD_SEED={}", failed[0]);
}

fn failures(seeds: impl Iterator<Item = u64>) -> Vec<u64> {
    let fails = |seed: &u64| catch_unwind(AssertUnwindSafe(|| World::new(*seed, false).run())).is_err();
    seeds.filter(fails).collect()
}
