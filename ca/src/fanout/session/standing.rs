//! Whether a watcher is still served, and what a node is to know of its registrations.

use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_identity::tls::CurrentTruth as _;
use bulkhead_mesh::NodeName;
use bulkhead_protocol::convert::Registration;
use bulkhead_protocol::v1::{self, watch_reply::Message};
use tonic::Status;

use super::Session;
use crate::denied::Denied;
use crate::store::{RegistrationRecord, Snapshot, StoreError};

impl Session {
    /// Looks at the watcher's own record: one whose node or registration is gone is told nothing more. A node is told
    /// its registrations when they are others than it was told last.
    pub(super) async fn look_again(&mut self) -> Result<(), Status> {
        let watcher = self.watcher.clone();
        let looked = self.ca.fanout.consult(&self.ca.store, move |now| {
            watcher.check(now)?;
            let node = Some(&watcher.life.node).filter(|_| watcher.instance.is_none());
            Ok::<_, Denied>(node.map(|node| registrations_of(now, node)).transpose()?)
        });
        let told = looked.await?;
        if told.is_some() && told != self.registrations {
            self.waiting.extend(told.clone().map(Message::Registrations));
            self.registrations = told;
        }
        Ok(())
    }

    /// Notes that the answer is due at each address that changed and that this watcher uses; at all of them, if it lost
    /// count. A change at its own address may be its end.
    pub(super) async fn note_moved(&mut self, addresses: Option<Arc<[IpAddr]>>) -> Result<(), Status> {
        let is_own = |own: IpAddr| addresses.as_ref().is_none_or(|changed| changed.contains(&own));
        let look_again = self.watcher.address.is_some_and(is_own);
        match addresses {
            Some(changed) => self.due.extend(changed.iter().filter(|address| self.asked.contains(address))),
            None => self.due.clone_from(&self.asked),
        }
        if look_again { self.look_again().await } else { Ok(()) }
    }

    /// A revoked watcher is told nothing more, and a certificate opens no stream that outlives it.
    pub(super) fn check_watcher(&self) -> Result<(), Status> {
        let (credential, now) = (&self.watcher.credential, self.ca.now());
        if now > credential.not_after {
            // Not a refusal: a watcher with a newer certificate comes back at once.
            return Err(Status::aborted(format!("the certificate of this stream ended at {}", credential.not_after)));
        }
        match self.ca.known.truth().cutoffs.voids(credential) {
            Some(cutoff) => Err(Status::permission_denied(cutoff.to_string())),
            None => Ok(()),
        }
    }
}

fn registrations_of(now: &Snapshot<'_>, node: &NodeName) -> Result<v1::Registrations, StoreError> {
    let message = |record: RegistrationRecord| v1::Registration::from(Registration::from(record));
    Ok(v1::Registrations { registrations: now.registrations_on(node)?.into_iter().map(message).collect() })
}
