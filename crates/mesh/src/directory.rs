//! What is known of an address: who lives there, or which service answers.

use serde::{Deserialize, Serialize};

use crate::cutoff::Credential;
use crate::service::Service;
use crate::{InstanceId, NodeEpoch, SpiffeId};

/// Who lives at an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Entry {
    /// A workload behind a sidecar, which must prove every one of these.
    Workload {
        /// Its SPIFFE ID.
        id: SpiffeId,
        /// Where it runs.
        node: NodeEpoch,
        /// Which running copy it is.
        instance: InstanceId,
    },
    /// Known, but without a sidecar: decided as unauthenticated.
    Plain,
}

/// The answer to "what is at this address?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Resolution {
    /// One workload or plain party.
    Entry(Entry),
    /// A virtual address.
    Service(Service),
    /// Nobody: inside the mesh this is refused, never passed in clear.
    Unknown,
}

impl Entry {
    /// Whether the credential proves that its holder is the one who lives here: every field must be the same.
    ///
    /// The label is no field of an entry: the certificate alone says it.
    pub fn matches(&self, credential: &Credential) -> Result<(), Mismatch> {
        let Self::Workload { id, node, instance } = self else { return Err(Mismatch::Plain) };
        let Credential { id: shown, node: shown_node, instance: shown_instance, .. } = credential;
        if shown != id {
            return Err(Mismatch::Identity { expected: id.clone(), shown: shown.clone() });
        }
        let shown_node = shown_node.as_ref().ok_or(Mismatch::Unbound)?;
        if shown_node.node != node.node {
            return Err(Mismatch::Node { expected: node.clone(), shown: shown_node.clone() });
        }
        if shown_node.epoch != node.epoch {
            return Err(Mismatch::Epoch { expected: node.clone(), shown: shown_node.clone() });
        }
        match shown_instance {
            Some(shown) if shown == instance => Ok(()),
            Some(shown) => Err(Mismatch::Instance { expected: *instance, shown: *shown }),
            None => Err(Mismatch::Unbound),
        }
    }
}

/// Which field of a certificate is not that of the directory's entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Mismatch {
    #[error("the directory knows no sidecar at this address, so no certificate belongs to it")]
    Plain,
    #[error("the certificate's identity is `{shown}`; the directory says `{expected}`")]
    Identity { expected: SpiffeId, shown: SpiffeId },
    #[error("the certificate is bound to no node and instance")]
    Unbound,
    #[error("the certificate is bound to the node `{}`; the directory says `{}`", shown.node, expected.node)]
    Node { expected: NodeEpoch, shown: NodeEpoch },
    #[error("the certificate is bound to epoch {} of node `{}`; the directory says epoch {}", shown.epoch, shown.node, expected.epoch)]
    Epoch { expected: NodeEpoch, shown: NodeEpoch },
    #[error("the certificate is of instance {shown}; the directory says {expected}")]
    Instance { expected: InstanceId, shown: InstanceId },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, Serial, SpkiDigest, Timestamp};

    fn life(node: &str, epoch: u32) -> NodeEpoch {
        NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) }
    }

    fn credential(path: &str, node: Option<NodeEpoch>, instance: Option<u8>) -> Credential {
        Credential {
            id: format!("spiffe://prod.example{path}").parse().unwrap(),
            node,
            instance: instance.map(|byte| InstanceId::from_bytes([byte; 16])),
            serial: Serial::from_random([1; 16]),
            issuer: SpkiDigest::from_bytes([1; 32]),
            issued_at: Timestamp::EPOCH,
            not_after: Timestamp::MAX,
        }
    }

    #[test]
    fn every_field_of_an_entry_must_be_proved() {
        let id = "spiffe://prod.example/ns/shop/sa/db".parse().unwrap();
        let entry = Entry::Workload { id, node: life("n3", 2), instance: InstanceId::from_bytes([1; 16]) };
        let check = |shown: Credential, word: Option<&str>| {
            let sentence = entry.matches(&shown).err().map(|mismatch| mismatch.to_string());
            assert_eq!(sentence.is_some(), word.is_some(), "{shown:?}");
            assert!(sentence.unwrap_or_default().contains(word.unwrap_or_default()), "{shown:?}");
        };
        check(credential("/ns/shop/sa/db", Some(life("n3", 2)), Some(1)), None);
        check(credential("/ns/shop/sa/web", Some(life("n3", 2)), Some(1)), Some("identity"));
        check(credential("/ns/shop/sa/db", Some(life("n5", 2)), Some(1)), Some("node `n5`"));
        check(credential("/ns/shop/sa/db", Some(life("n3", 1)), Some(1)), Some("epoch 1"));
        check(credential("/ns/shop/sa/db", Some(life("n3", 3)), Some(1)), Some("epoch 3"));
        check(credential("/ns/shop/sa/db", Some(life("n3", 2)), Some(2)), Some("instance 0202"));
        check(credential("/ns/shop/sa/db", None, Some(1)), Some("bound to no node"));
        check(credential("/ns/shop/sa/db", Some(life("n3", 2)), None), Some("bound to no node"));
    }

    #[test]
    fn no_certificate_belongs_to_a_plain_address() {
        let shown = credential("/ns/shop/sa/db", Some(life("n3", 2)), Some(1));
        assert_eq!(Entry::Plain.matches(&shown), Err(Mismatch::Plain));
    }
}
