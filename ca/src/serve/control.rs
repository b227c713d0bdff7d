//! The authority's own certificates: issued when it starts, put on record, and replaced while it runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bulkhead_daemon::chain;
use bulkhead_identity::tls::{Acceptor, OwnIdentity, Trust};
use bulkhead_identity::{Demand, Limits, PurposeKind};
use bulkhead_mesh::{ControlRole, Serial, Timestamp};

use super::ServeError;
use crate::authority::{Authority, CONTROL_LIFETIME, ControlLeaf};
use crate::ca::Ca;
use crate::dice;
use crate::store::{CertificateRecord, Lane, Store, StoreError};

/// The certificates of `/control/ca` and `/control/feed`.
#[derive(Debug)]
pub(super) struct ControlLeaves {
    ca: ControlLeaf,
    feed: ControlLeaf,
    issued_at: Timestamp,
}

impl ControlLeaves {
    /// Issues both and puts them on record.
    pub(super) async fn issue(authority: &Authority, store: &Store, now: Timestamp) -> Result<Self, ServeError> {
        let ca = authority.control_leaf(ControlRole::Ca, Serial::from_random(dice::random()?), now)?;
        let feed = authority.control_leaf(ControlRole::Feed, Serial::from_random(dice::random()?), now)?;
        let records = [CertificateRecord::of(&ca.certificate), CertificateRecord::of(&feed.certificate)];
        let recorded = store.write(Lane::Ordinary, move |tx| {
            tx.now(now)?;
            records.iter().try_for_each(|record| tx.record_certificate(record))
        });
        recorded.await.map_err(|source: StoreError| ServeError::Record(source))?;
        Ok(Self { ca, feed, issued_at: now })
    }

    /// What watchers are shown, leaf first.
    pub(super) fn feed_chain(&self) -> Vec<Vec<u8>> {
        self.feed.identity.chain.iter().map(|link| link.to_vec()).collect()
    }
}

/// The acceptor with the newest certificate.
#[derive(Clone, Debug)]
pub(super) struct SharedAcceptor(Arc<ArcSwap<Acceptor>>);

impl SharedAcceptor {
    pub(super) fn new(ca: &Arc<Ca>, leaves: &ControlLeaves) -> Result<Self, ServeError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(acceptor(ca, leaves)?))))
    }

    /// The one for the next connection.
    pub(super) fn current(&self) -> Arc<Acceptor> {
        self.0.load_full()
    }
}

/// One port for all: who shows no certificate may join or attest. Of those with a certificate of the authority's own
/// roles only the source of the directory finds a face that answers it.
fn acceptor(ca: &Arc<Ca>, leaves: &ControlLeaves) -> Result<Acceptor, ServeError> {
    let demand = Demand::any_of(&PurposeKind::ALL).with_grace_for_expired_nodes(ca.settings.renewal_grace);
    let identity = &leaves.ca.identity;
    let own = OwnIdentity::new(identity.chain.clone(), &identity.key)?;
    let trust = Trust {
        bundle: Arc::new(ca.authority.bundle().clone()),
        truth: ca.known.clone(),
        clock: Arc::new(HandshakeClock(Arc::clone(ca))),
        limits: Limits::default(),
    };
    Ok(Acceptor::new(&own, trust, demand, &[b"h2"])?.with_unknown_clients())
}

/// Replaces both certificates each time a third of their life has passed.
pub(super) async fn keep_fresh(ca: Arc<Ca>, shared: SharedAcceptor, first: ControlLeaves) {
    let mut due = first.issued_at.plus(CONTROL_LIFETIME / 3);
    loop {
        ca.clock.until(due).await;
        due = match replace(&ca, &shared).await {
            Ok(issued_at) => issued_at.plus(CONTROL_LIFETIME / 3),
            Err(error) => {
                tracing::error!(error = chain(&error), "the CA's own certificates were not renewed");
                ca.now().plus(RETRY)
            }
        };
    }
}

async fn replace(ca: &Arc<Ca>, shared: &SharedAcceptor) -> Result<Timestamp, ServeError> {
    let leaves = ControlLeaves::issue(&ca.authority, &ca.store, ca.now()).await?;
    shared.0.store(Arc::new(acceptor(ca, &leaves)?));
    ca.fanout.show_chain(leaves.feed_chain());
    Ok(leaves.issued_at)
}

#[derive(Debug)]
struct HandshakeClock(Arc<Ca>);

impl bulkhead_identity::Clock for HandshakeClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

const RETRY: std::time::Duration = std::time::Duration::from_mins(1);
