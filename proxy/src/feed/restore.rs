//! Reads back what the last process of this workload held, so that a restart without the CA brings no one back.

use bulkhead_daemon::chain;
use bulkhead_identity::TrustBundle;
use bulkhead_mesh::Timestamp;
use bulkhead_protocol::feed::Limits;
use bulkhead_protocol::feed::subscriber::{Held, RestoreError, Stored};

use super::believe::stored_keys;
use crate::disk::HeldFile;
use crate::sabotage;
use crate::truth::Knowledge;

/// What is on the disk, if it is whole and every fact in it was signed by the CA; else nothing, said loudly.
pub(super) fn restore(file: &HeldFile, bundle: &TrustBundle, limits: &Limits, now: Timestamp) -> Held {
    match file.load() {
        Ok(_) if sabotage::forgets() => Held::default(),
        Ok(None) => Held::default(),
        Ok(Some(bytes)) => read(&bytes, bundle, limits, now).unwrap_or_else(|error| {
            tracing::error!(
                error = chain(&error),
                "the stored truth is not used; nothing passes before the CA is heard"
            );
            // What only cannot be verified now may be another time: the clock or the roots may be wrong.
            if error.is_damage() {
                set_aside(file);
            }
            Held::default()
        }),
        Err(error) => {
            let hint = error.hint();
            tracing::error!(
                error = chain(&error),
                hint,
                "the stored truth is not used; nothing passes before the CA is heard"
            );
            Held::default()
        }
    }
}

fn read(bytes: &[u8], bundle: &TrustBundle, limits: &Limits, now: Timestamp) -> Result<Held, RestoreError> {
    let stored = Stored::read(bytes)?;
    // Before it is read nothing is known but the root, exactly as on the first contact.
    let truth = Knowledge::nothing().for_the_ca();
    // A clock that is behind the CA's last word must not make the chains look as if they were not valid yet. A time that
    // somebody made up can do no more than the machine's clock could: the CA must have signed the chain all the same.
    let keys = stored_keys(stored.feed_chains(), bundle, &truth, now.max(stored.heard()));
    stored.verify(&keys, limits)
}

fn set_aside(file: &HeldFile) {
    match file.set_aside() {
        Ok(path) => tracing::warn!(path = %path.display(), "the stored truth was set aside"),
        Err(error) => tracing::error!(error = chain(&error), "the stored truth could not be set aside"),
    }
}
