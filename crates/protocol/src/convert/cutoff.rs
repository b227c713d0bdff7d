//! Cutoffs between the wire and the mesh.

use bulkhead_mesh::{Cutoff, Epoch, InstanceId, Serial, SpkiDigest, Subject, Timestamp};

use super::{ConvertError, read_bytes, read_text};
use crate::v1::{self, cutoff::Subject as Wire};

impl TryFrom<v1::Cutoff> for Cutoff {
    type Error = ConvertError;

    fn try_from(message: v1::Cutoff) -> Result<Self, Self::Error> {
        Ok(Self {
            subject: read_subject(message.subject.ok_or(ConvertError::Missing { field: "cutoff.subject" })?)?,
            reason: read_text("cutoff.reason", &message.reason)?,
            bound: Timestamp::from_millis(message.bound_millis),
        })
    }
}

impl From<&Cutoff> for v1::Cutoff {
    fn from(Cutoff { subject, reason, bound }: &Cutoff) -> Self {
        Self {
            subject: Some(write_subject(subject)),
            reason: reason.as_str().to_owned(),
            bound_millis: bound.as_millis(),
        }
    }
}

fn read_subject(subject: Wire) -> Result<Subject, ConvertError> {
    Ok(match subject {
        Wire::Node(v1::NodeCutoff { node, epoch }) => {
            Subject::Node { node: read_text("cutoff.node", &node)?, epoch: Epoch::new(epoch) }
        }
        Wire::Identity(v1::IdentityCutoff { id, issued_before_millis }) => Subject::Identity {
            id: read_text("cutoff.identity", &id)?,
            issued_before: Timestamp::from_millis(issued_before_millis),
        },
        Wire::Instance(v1::InstanceCutoff { instance, issued_before_millis }) => Subject::Instance {
            instance: InstanceId::from_bytes(read_bytes("cutoff.instance", &instance)?),
            issued_before: Timestamp::from_millis(issued_before_millis),
        },
        Wire::Serial(serial) => Subject::Serial(Serial::from_bytes(read_bytes("cutoff.serial", &serial)?)),
        Wire::Issuer(digest) => Subject::Issuer(SpkiDigest::from_bytes(read_bytes("cutoff.issuer", &digest)?)),
    })
}

fn write_subject(subject: &Subject) -> Wire {
    match subject {
        Subject::Node { node, epoch } => {
            Wire::Node(v1::NodeCutoff { node: node.as_str().to_owned(), epoch: epoch.number() })
        }
        Subject::Identity { id, issued_before } => {
            Wire::Identity(v1::IdentityCutoff { id: id.to_string(), issued_before_millis: issued_before.as_millis() })
        }
        Subject::Instance { instance, issued_before } => Wire::Instance(v1::InstanceCutoff {
            instance: instance.as_bytes().to_vec(),
            issued_before_millis: issued_before.as_millis(),
        }),
        Subject::Serial(serial) => Wire::Serial(serial.as_bytes().to_vec()),
        Subject::Issuer(digest) => Wire::Issuer(digest.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_subject() -> impl Strategy<Value = Subject> {
        let moment = || any::<u64>().prop_map(Timestamp::from_millis);
        prop_oneof![
            ("[a-z0-9]{1,20}", any::<u32>())
                .prop_map(|(node, epoch)| Subject::Node { node: node.parse().unwrap(), epoch: Epoch::new(epoch) }),
            ("spiffe://[a-z]{1,9}/ns/[a-z]{1,9}/sa/[a-z]{1,9}", moment())
                .prop_map(|(id, issued_before)| { Subject::Identity { id: id.parse().unwrap(), issued_before } }),
            (any::<[u8; 16]>(), moment()).prop_map(|(bytes, issued_before)| {
                Subject::Instance { instance: InstanceId::from_bytes(bytes), issued_before }
            }),
            any::<[u8; 16]>().prop_map(|bytes| Subject::Serial(Serial::from_bytes(bytes))),
            any::<[u8; 32]>().prop_map(|bytes| Subject::Issuer(SpkiDigest::from_bytes(bytes))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(subject in any_subject(), reason in "[a-z]{1,20}", bound: u64) {
            let cutoff = Cutoff { subject, reason: reason.parse().unwrap(), bound: Timestamp::from_millis(bound) };
            prop_assert_eq!(Cutoff::try_from(v1::Cutoff::from(&cutoff)), Ok(cutoff));
        }
    }

    #[test]
    fn what_names_nobody_is_refused_by_the_field() {
        let check = |subject: Option<Wire>, reason: &str, field: &str| {
            let message = v1::Cutoff { subject, reason: reason.into(), bound_millis: 0 };
            let sentence = Cutoff::try_from(message).unwrap_err().to_string();
            assert!(sentence.contains(field), "{sentence}");
        };
        check(None, "stolen", "`cutoff.subject`");
        check(Some(Wire::Serial(vec![1; 15])), "stolen", "`cutoff.serial`");
        check(Some(Wire::Issuer(vec![1; 33])), "stolen", "`cutoff.issuer`");
        check(Some(Wire::Serial(vec![1; 16])), "a\nb", "`cutoff.reason`");
        check(Some(Wire::Node(v1::NodeCutoff { node: "N1".into(), epoch: 1 })), "stolen", "`cutoff.node`");
    }
}
