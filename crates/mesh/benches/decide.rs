//! How many instructions a decision takes, by the number of rules that are asked before one matches.
//!
//! Counted is the call alone, not the making of policy, names and labels, nor their dropping. No clock, no heap but what
//! a permit keeps: the counts do not wobble.
#![allow(clippy::unwrap_used, reason = "what cannot be built ends the bench")]
#![allow(clippy::disallowed_types, missing_docs, unused_qualifications, reason = "the macros are not ours")]

use std::hint::black_box;

use bulkhead_mesh::{Direction, Flow, Label, Party, Permit, Policy, Refusal, Timestamp, Verdict, WorkloadName};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use serde_json::{Value, json};

// Measured on 2026-11-24, x86-64, rustc 1.95; a rule that is asked in vain takes 117.
const DECIDE_BY_DEFAULT: u64 = 593;
const DECIDE_BY_10: u64 = 1_646;
const DECIDE_BY_100: u64 = 12_175;
const ADMIT_BY_DEFAULT: u64 = 656;
const ADMIT_BY_10: u64 = 1_711;
const ADMIT_BY_100: u64 = 12_240;

#[library_benchmark(setup = Case::with_rules, teardown = assert_allowed)]
#[bench::by_default(args = (0), config = at_most(DECIDE_BY_DEFAULT))]
#[bench::by_the_10th_rule(args = (10), config = at_most(DECIDE_BY_10))]
#[bench::by_the_100th_rule(args = (100), config = at_most(DECIDE_BY_100))]
fn decide(case: &'static Case) -> Verdict<'static> {
    bulkhead_mesh::decide(black_box(&case.flow()), black_box(&case.policy), black_box(NOW))
}

#[library_benchmark(setup = Case::with_rules, teardown = assert_admitted)]
#[bench::by_default(args = (0), config = at_most(ADMIT_BY_DEFAULT))]
#[bench::by_the_10th_rule(args = (10), config = at_most(ADMIT_BY_10))]
#[bench::by_the_100th_rule(args = (100), config = at_most(ADMIT_BY_100))]
fn admit(case: &'static Case) -> Result<Permit, Refusal> {
    black_box(&case.policy).admit(black_box(&case.flow()), black_box(NOW))
}

/// A count of another way than the one that was meant is none.
fn assert_allowed(verdict: Verdict<'static>) {
    assert!(verdict.allow, "{verdict}");
}

fn assert_admitted(permit: Result<Permit, Refusal>) {
    assert_eq!(permit.unwrap().port(), 5432);
}

/// A flow that is allowed: by the last of the policy's rules, or by its default where there are none.
struct Case {
    policy: Policy,
    client: WorkloadName,
    server: WorkloadName,
    label: Label,
}

impl Case {
    /// Kept for ever, so that its end is not counted.
    fn with_rules(count: usize) -> &'static Self {
        let rules: Vec<Value> = (1..=count).map(rule).collect();
        Box::leak(Box::new(Self {
            policy: serde_json::from_value(json!({ "rules": rules })).unwrap(),
            client: account(count).parse().unwrap(),
            server: SERVER.parse().unwrap(),
            label: "internal:eu".parse().unwrap(),
        }))
    }

    fn flow(&self) -> Flow<'_> {
        let party = |name| Party::Workload { name, label: &self.label };
        Flow { client: party(&self.client), server: party(&self.server), port: 5432, direction: Direction::Inbound }
    }
}

/// One client's rule: all have the same port and the same namespace, so that each is looked at down to the account.
fn rule(number: usize) -> Value {
    json!({
        "name": format!("rule-{number:03}"),
        "allow": { "from": { "identity": account(number) }, "to": { "identity": SERVER }, "ports": [5432] },
    })
}

fn account(number: usize) -> String {
    format!("ns/shop/sa/client-{number:03}")
}

/// Fails the run above what was measured and a tenth.
fn at_most(measured: u64) -> LibraryBenchmarkConfig {
    let limit = (measured * 11).div_ceil(10);
    let callgrind = Callgrind::with_args(["--cache-sim=no"]).hard_limits([(EventKind::Ir, limit)]).clone();
    // Else the linker's work at a function's first call would be counted.
    LibraryBenchmarkConfig::default().env("LD_BIND_NOW", "1").tool(callgrind).clone()
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SERVER: &str = "ns/shop/sa/db";

library_benchmark_group!(name = decisions, benchmarks = [decide, admit]);
main!(library_benchmark_groups = decisions);
