//! How many instructions it takes to believe a peer, without the cryptography.
//!
//! What runs is [`Verifier::verify`] itself, whole, on a real chain: reading, the path, issuer, profile, name, demand,
//! cutoffs. Callgrind stops counting while a signature is verified and while a key is digested. That is not ours, and a
//! count of it would lie: valgrind hides AVX-512 and the SHA extensions from the program, so that it takes another way
//! than on the bare machine.
//!
//! The keys are drawn anew in each run. They change no path, only how long a signature is in DER: some 30 instructions.
#![allow(clippy::unwrap_used, reason = "what cannot be built ends the bench")]
#![allow(missing_docs, unused_qualifications, reason = "the macros are not ours")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use bulkhead_identity::profile::inspect;
use bulkhead_identity::{Demand, Leaf, LeafError, Limits, PeerError, TrustBundle, Truth, VerifiedPeer, Verifier};
use bulkhead_mesh::{Cutoff, CutoffSet, Entry, Epoch, InstanceId, Serial, SpkiDigest, Subject, Timestamp};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use rustls_pki_types::CertificateDer;
use support::{DOMAIN, Mesh, NOW, instance, life};

// Measured on 2026-11-24, x86-64, rustc 1.95; with the signatures it would be 1,725,685 for a client.
const CLIENT: u64 = 227_884;
const CLIENT_AMONG_10_000_CUTOFFS: u64 = 233_480;
const SERVER: u64 = 228_114;
const LEAF: u64 = 97_108;

#[library_benchmark(teardown = assert_believed)]
#[bench::a_client(args = (0), setup = Case::client, config = at_most(CLIENT))]
#[bench::a_client_among_10_000_cutoffs(
    args = (10_000), setup = Case::client, config = at_most(CLIENT_AMONG_10_000_CUTOFFS)
)]
#[bench::a_server(args = (0), setup = Case::server, config = at_most(SERVER))]
fn verify(case: &'static Case) -> Result<VerifiedPeer, PeerError> {
    let Case { bundle, demand, truth, limits, chain } = case;
    Verifier { bundle, demand, truth, limits }.verify(black_box(chain), black_box(NOW))
}

#[library_benchmark(teardown = assert_read)]
#[bench::of_a_workload(args = (0), setup = Case::client, config = at_most(LEAF))]
fn inspect_leaf(case: &'static Case) -> Result<Leaf, LeafError> {
    inspect(black_box(&case.chain[0]), &case.truth.levels, &case.limits)
}

/// A count of another way than the one that was meant is none.
fn assert_believed(peer: Result<VerifiedPeer, PeerError>) {
    peer.unwrap();
}

fn assert_read(leaf: Result<Leaf, LeafError>) {
    leaf.unwrap();
}

/// A workload's chain, and all that it is held against.
struct Case {
    bundle: TrustBundle,
    demand: Demand,
    truth: Truth,
    limits: Limits,
    chain: Vec<CertificateDer<'static>>,
}

impl Case {
    /// A client, of which only that it is a workload is demanded, in a mesh with this many cutoffs of others.
    fn client(cutoffs: usize) -> &'static Self {
        Self::demanding(Demand::workload(), cutoffs)
    }

    /// A server, which must be the one that the directory names.
    fn server(cutoffs: usize) -> &'static Self {
        let id = format!("spiffe://{DOMAIN}/ns/shop/sa/web").parse().unwrap();
        Self::demanding(Demand::entry(Entry::Workload { id, node: life("n1", 2), instance: instance(7) }), cutoffs)
    }

    /// Kept for ever, so that its end is not counted.
    fn demanding(demand: Demand, cutoffs: usize) -> &'static Self {
        let mesh = Mesh::new();
        let (bundle, chain) = (mesh.bundle(), mesh.web().chain);
        let cutoffs: CutoffSet = (0..cutoffs).map(cutoff).collect();
        let truth = Truth { cutoffs, ..mesh.truth() };
        Box::leak(Box::new(Self { bundle, demand, truth, limits: Limits::default(), chain }))
    }
}

/// A cutoff of somebody else; each kind in turn, so that every tree must be searched.
fn cutoff(number: usize) -> Cutoff {
    let issued_before = NOW;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    let half = bytes.first_chunk().copied().unwrap();
    let subject = match number % 5 {
        0 => Subject::Node { node: format!("lost-{number}").parse().unwrap(), epoch: Epoch::FIRST },
        1 => {
            let id = format!("spiffe://{DOMAIN}/ns/lost/sa/account-{number}").parse().unwrap();
            Subject::Identity { id, issued_before }
        }
        2 => Subject::Instance { instance: InstanceId::from_bytes(half), issued_before },
        3 => Subject::Serial(Serial::from_random(half)),
        _ => Subject::Issuer(SpkiDigest::from_bytes(bytes)),
    };
    Cutoff { subject, reason: "lost".parse().unwrap(), bound: Timestamp::MAX }
}

/// Fails the run above what was measured and a tenth.
fn at_most(measured: u64) -> LibraryBenchmarkConfig {
    let limit = (measured * 11).div_ceil(10);
    let args = ["--cache-sim=no"].into_iter().chain(CRYPTO);
    let callgrind = Callgrind::with_args(args).hard_limits([(EventKind::Ir, limit)]).clone();
    // Else the linker's work at a function's first call would be counted.
    LibraryBenchmarkConfig::default().env("LD_BIND_NOW", "1").tool(callgrind).clone()
}

/// The functions on whose entry callgrind stops counting, until they return. One that has another name by now is counted,
/// and a signature is above every threshold. Setup must call neither, for there counting would begin.
const CRYPTO: [&str; 2] =
    ["--toggle-collect=*AwsLcRsAlgorithm*::verify_signature", "--toggle-collect=*Certificate*::key_digest"];

library_benchmark_group!(name = peers, benchmarks = [verify, inspect_leaf]);
main!(library_benchmark_groups = peers);
