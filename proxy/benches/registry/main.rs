//! How many instructions the index of live connections takes: for one connection to enter and to leave, by how many
//! others are open, and for a sweep over ten thousand.
//!
//! Only the feed can tell a registry what is true, so what `Registry::enter` and `Registry::sweep` do is done here step by
//! step: on the registry's own index, by the same judge, with knowledge made by hand. The world is built and dropped
//! uncounted. Nothing here hashes by a random seed. What wobbles, by less than 1 %, are the allocator and the order of the
//! issuers' digests, whose keys are drawn anew in each run.
#![allow(missing_docs, unused_qualifications, reason = "the macros are not ours")]

#[path = "../../src/testing/certificates.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests' certificates, of which a bench needs a part")]
mod certificates;
mod world;

use std::hint::black_box;

use bulkhead_proxy::registry::Standard;
use bulkhead_proxy::subject::Cut;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use world::World;

// Measured on 2026-11-24, x86-64, rustc 1.95.
const ENTER_AND_LEAVE: u64 = 6_752;
const ENTER_AND_LEAVE_BESIDE_1_000: u64 = 7_320;
const ENTER_AND_LEAVE_BESIDE_10_000: u64 = 8_053;
const SWEEP_THAT_CUTS_NONE: u64 = 31_884_565;
const SWEEP_THAT_CUTS_HALF: u64 = 25_826_428;

#[library_benchmark(setup = World::with, teardown = assert_let_in)]
#[bench::alone(args = (0), config = at_most(ENTER_AND_LEAVE))]
#[bench::beside_1_000(args = (1_000), config = at_most(ENTER_AND_LEAVE_BESIDE_1_000))]
#[bench::beside_10_000(args = (10_000), config = at_most(ENTER_AND_LEAVE_BESIDE_10_000))]
fn enter_and_leave(world: &'static World) -> (Standard, Option<Cut>) {
    let seat = world.registry.live().enter(black_box(&world.subject).clone());
    let standard = world.registry.standard();
    (standard, world.known.judge(seat.subject()))
}

#[library_benchmark]
#[bench::that_cuts_none(
    args = (10_000), setup = World::with, teardown = assert_cut::<0>, config = at_most(SWEEP_THAT_CUTS_NONE)
)]
#[bench::that_cuts_half(
    args = (10_000), setup = World::after_a_revocation, teardown = assert_cut::<5_000>,
    config = at_most(SWEEP_THAT_CUTS_HALF)
)]
fn sweep_10_000(world: &'static World) -> usize {
    world.registry.live().sweep(|subject| world.known.judge(subject))
}

/// A count of another way than the one that was meant is none.
fn assert_let_in((_, cut): (Standard, Option<Cut>)) {
    assert_eq!(cut, None);
}

fn assert_cut<const EXPECTED: usize>(cut: usize) {
    assert_eq!(cut, EXPECTED);
}

/// Fails the run above what was measured and a tenth.
fn at_most(measured: u64) -> LibraryBenchmarkConfig {
    let limit = (measured * 11).div_ceil(10);
    let callgrind = Callgrind::with_args(["--cache-sim=no"]).hard_limits([(EventKind::Ir, limit)]).clone();
    // Else the linker's work at a function's first call would be counted.
    LibraryBenchmarkConfig::default().env("LD_BIND_NOW", "1").tool(callgrind).clone()
}

library_benchmark_group!(name = registry, benchmarks = [enter_and_leave, sweep_10_000]);
main!(library_benchmark_groups = registry);
