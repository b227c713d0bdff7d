//! Cutoffs: the one primitive of revocation, a statement that certificates of some subject are void.

mod credential;
mod reason;
mod set;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use credential::Credential;
pub use reason::{ParseReasonError, Reason};
pub use set::CutoffSet;

use crate::{Epoch, InstanceId, NodeName, Serial, SpiffeId, SpkiDigest, Timestamp};

/// One revocation: whose certificates are void, why, and how long that must be remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cutoff {
    /// Whose certificates are void.
    pub subject: Subject,
    /// Why, in the words of whoever cut it off.
    pub reason: Reason,
    /// The last moment at which a certificate that this matches can still be valid: at least the latest `not_after` of
    /// them all, the verifiers' grace included. Only after it may the cutoff be forgotten.
    pub bound: Timestamp,
}

/// Whose certificates a cutoff makes void.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Subject {
    /// Every certificate bound to this node in `epoch` or an earlier one, the node's own included.
    Node {
        /// The node.
        node: NodeName,
        /// Its last life that is void.
        epoch: Epoch,
    },
    /// Every certificate with this SPIFFE ID that was issued before a moment.
    Identity {
        /// The SPIFFE ID, in full.
        id: SpiffeId,
        /// Certificates issued at this moment or later are not meant.
        issued_before: Timestamp,
    },
    /// Every certificate of this instance that was issued before a moment.
    Instance {
        /// The instance.
        instance: InstanceId,
        /// Certificates issued at this moment or later are not meant.
        issued_before: Timestamp,
    },
    /// The one certificate with this serial number.
    Serial(Serial),
    /// Every certificate below the issuer with this public key.
    Issuer(SpkiDigest),
}

impl Subject {
    /// Whether this credential is one of those meant.
    pub fn covers(&self, credential: &Credential) -> bool {
        match self {
            Self::Node { node, epoch } => credential.life_on(node).is_some_and(|life| life <= *epoch),
            Self::Identity { id, issued_before } => credential.id == *id && credential.issued_at < *issued_before,
            Self::Instance { instance, issued_before } => {
                credential.instance == Some(*instance) && credential.issued_at < *issued_before
            }
            Self::Serial(serial) => credential.serial == *serial,
            Self::Issuer(issuer) => credential.issuer == *issuer,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { node, epoch } => write!(f, "node `{node}` up to epoch {epoch}"),
            Self::Identity { id, issued_before } => write!(f, "`{id}` if issued before {issued_before}"),
            Self::Instance { instance, issued_before } => {
                write!(f, "instance {instance} if issued before {issued_before}")
            }
            Self::Serial(serial) => write!(f, "the certificate with serial {serial}"),
            Self::Issuer(issuer) => write!(f, "the issuer with key digest {issuer}"),
        }
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is cut off: {}", self.subject, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeEpoch;

    fn credential(id: &str, node: Option<(&str, u32)>) -> Credential {
        let life = |(node, epoch): (&str, u32)| NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) };
        Credential {
            id: format!("spiffe://prod.example{id}").parse().unwrap(),
            node: node.map(life),
            instance: Some(InstanceId::from_bytes([7; 16])),
            serial: Serial::from_random([7; 16]),
            issuer: SpkiDigest::from_bytes([7; 32]),
            issued_at: Timestamp::from_secs(100),
            not_after: Timestamp::from_secs(200),
        }
    }

    fn node(name: &str, epoch: u32) -> Subject {
        Subject::Node { node: name.parse().unwrap(), epoch: Epoch::new(epoch) }
    }

    #[test]
    fn a_node_is_cut_off_with_its_workloads_and_its_own_certificate() {
        let workload = |epoch| credential("/ns/shop/sa/web", Some(("n1", epoch)));
        //     cutoff         credential                                covers
        for (subject, credential, covers) in [
            (node("n1", 2), workload(1), true),
            (node("n1", 2), workload(2), true),
            (node("n1", 2), workload(3), false),
            (node("n2", 2), workload(1), false),
            (node("n1", 2), credential("/node/n1", Some(("n1", 2))), true),
            (node("n1", 2), credential("/node/n1", Some(("n1", 3))), false),
            (node("n1", 2), credential("/node/n1", None), true),
            (node("n1", 2), credential("/node/n1", Some(("n2", 9))), true),
            (node("n1", 2), credential("/node/n11", None), false),
            (node("n1", 2), credential("/operator/n1", None), false),
        ] {
            assert_eq!(subject.covers(&credential), covers, "{subject} / {credential:?}");
        }
    }

    #[test]
    fn an_identity_or_instance_is_cut_off_up_to_a_moment() {
        let held = credential("/ns/shop/sa/web", Some(("n1", 1)));
        let other = credential("/ns/shop/sa/api", Some(("n1", 1)));
        for (seconds, covers) in [(100, false), (101, true)] {
            let issued_before = Timestamp::from_secs(seconds);
            let identity = Subject::Identity { id: held.id.clone(), issued_before };
            let instance = Subject::Instance { instance: InstanceId::from_bytes([7; 16]), issued_before };
            assert_eq!((identity.covers(&held), instance.covers(&held)), (covers, covers));
            assert_eq!((identity.covers(&other), instance.covers(&other)), (false, covers));
        }
    }

    #[test]
    fn a_cutoff_is_stored_in_words() {
        let cutoff =
            Cutoff { subject: node("n1", 2), reason: "stolen".parse().unwrap(), bound: Timestamp::from_secs(1) };
        let json = r#"{"subject":{"node":{"node":"n1","epoch":2}},"reason":"stolen","bound":1000}"#;
        assert_eq!(serde_json::to_string(&cutoff).unwrap(), json);
        assert_eq!(serde_json::from_str::<Cutoff>(json).unwrap(), cutoff);
        assert_eq!(cutoff.to_string(), "node `n1` up to epoch 2 is cut off: stolen");
    }
}
