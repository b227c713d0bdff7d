//! Real handshakes: what a peer must show, and for what it is refused, on both sides of a connection.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod connection;
mod facts;
mod leaf;
mod path;
#[path = "../support/mod.rs"]
mod support;
mod time;

use std::time::Duration;

use bulkhead_identity::peer::{AcceptedIssuers, IssuerError};
use bulkhead_identity::profile::BACKDATED;
use bulkhead_identity::tls::{Acceptor, Connector, SlotError};
use bulkhead_identity::{
    CertificateError, Demand, IssuerScope, LeafError, PeerError, PurposeKind, TrustBundle, Truth, clearance, oid,
};
use bulkhead_mesh::{ControlRole, Cutoff, CutoffSet, Entry, Mismatch, NodeEpoch, Purpose, Serial, Subject, Timestamp};
use der::asn1::ObjectIdentifier;
use rcgen::{CertificateParams, IsCa};
use rustls::{Error, HandshakeKind, NamedGroup};
use support::wire::{Met, accepted, raw_client, raw_server, refusal, refused_as_client, trust, trust_at};
use support::{DOMAIN, Held, Leaf, Mesh, NOW, Shown, authority, critical, extension, instance, life, uri};

/// Why a workload face of `mesh` refuses this.
fn refused(mesh: &Mesh, shown: &Shown) -> PeerError {
    refusal(&trust(mesh), &mesh.web(), shown, &Demand::workload())
}

/// Why it refuses a leaf of the issuing intermediate that differs from a good one in this.
fn refused_but(change: impl FnOnce(&mut CertificateParams)) -> PeerError {
    let mesh = Mesh::new();
    refused(&mesh, &mesh.issuing.sign(&Leaf::web().but(change)))
}

fn entry(name: &str, node: NodeEpoch, of: u8) -> Entry {
    Entry::Workload { id: format!("spiffe://{DOMAIN}/{name}").parse().unwrap(), node, instance: instance(of) }
}

const HOUR: Duration = Duration::from_hours(1);
