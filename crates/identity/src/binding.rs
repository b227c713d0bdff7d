//! The extension that binds a leaf to a node: which node, in which of its lives, and which instance runs there.
//!
//! ```text
//! NodeBinding ::= SEQUENCE { node UTF8String, epoch INTEGER, instance OCTET STRING (SIZE(16)) OPTIONAL }
//! ```
//!
//! A workload's leaf has all three. A node's own certificate carries the same extension without an instance: its
//! epoch must stand somewhere, a node is no instance, and 16 zero bytes would be an instance that does not exist. The
//! extension is not critical: other verifiers refuse a critical one that they do not know.

use bulkhead_mesh::name::ParseNameError;
use bulkhead_mesh::{Epoch, InstanceId, NodeEpoch};
use der::asn1::{OctetStringRef, Utf8StringRef};
use der::{Decode, Encode, Sequence};

/// What a leaf says about where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeBinding {
    /// The node, in one of its lives.
    pub node: NodeEpoch,
    /// The running copy of the workload; `None` in a node's own certificate.
    pub instance: Option<InstanceId>,
}

/// Writes the value of a NodeBinding extension.
pub fn encode(binding: &NodeBinding) -> Result<Vec<u8>, BindingError> {
    let instance = binding.instance.as_ref().map(|instance| OctetStringRef::new(instance.as_bytes())).transpose()?;
    let NodeEpoch { node, epoch } = &binding.node;
    Ok(Fields { node: Utf8StringRef::new(node.as_str())?, epoch: epoch.number(), instance }.to_der()?)
}

/// Reads the value of a NodeBinding extension back; what [`encode`] would not write is refused.
pub fn decode(extension: &[u8]) -> Result<NodeBinding, BindingError> {
    let fields = Fields::from_der(extension)?;
    let node = NodeEpoch { node: fields.node.as_str().parse()?, epoch: Epoch::new(fields.epoch) };
    let binding = NodeBinding { node, instance: fields.instance.map(instance).transpose()? };
    if encode(&binding)? == extension { Ok(binding) } else { Err(BindingError::NotCanonical) }
}

/// Why bytes are not a node binding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum BindingError {
    #[error("the node binding is not DER")]
    Der(#[from] der::Error),
    #[error("the node binding names no node")]
    Node(#[from] ParseNameError),
    #[error("the node binding's instance has {bytes} bytes, not 16")]
    Instance { bytes: usize },
    #[error("the node binding is not written as DER demands (X.690, section 11)")]
    NotCanonical,
}

#[derive(Sequence)]
struct Fields<'a> {
    node: Utf8StringRef<'a>,
    epoch: u32,
    instance: Option<&'a OctetStringRef>,
}

fn instance(octets: &OctetStringRef) -> Result<InstanceId, BindingError> {
    let bytes = octets.as_bytes();
    bytes.try_into().map(InstanceId::from_bytes).map_err(|_| BindingError::Instance { bytes: bytes.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binding(node: &str, epoch: u32, instance: Option<[u8; 16]>) -> NodeBinding {
        NodeBinding {
            node: NodeEpoch { node: node.parse().unwrap(), epoch: Epoch::new(epoch) },
            instance: instance.map(InstanceId::from_bytes),
        }
    }

    #[test]
    fn matches_what_an_independent_encoder_writes() {
        // The hex is the output of crates/identity/tests/vectors.py (pyasn1's DER encoder).
        for (binding, hex) in [
            (binding("n1", 1, Some([0x0a; 16])), "30190c026e3102010104100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
            (binding("n1", 1, None), "30070c026e31020101"),
            (
                binding("ip-10-0-0-1.internal", u32::MAX, Some([0xff; 16])),
                "302f0c1469702d31302d302d302d312e696e7465726e616c020500ffffffff0410ffffffffffffffffffffffffffffffff",
            ),
        ] {
            let bytes = crate::testing::bytes_of(hex);
            assert_eq!(encode(&binding).unwrap(), bytes);
            assert_eq!(decode(&bytes).unwrap(), binding);
        }
    }

    #[test]
    fn what_is_not_a_binding_is_refused() {
        for (hex, why) in [
            ("30080c024e31020101", "trailing"),
            ("30070c024e31020101", "upper-case node"),
            ("30080c026e3102020001", "padded epoch"),
            ("30070c026e310201ff", "negative epoch"),
            ("30090c026e310201010400", "empty instance"),
            ("3081070c026e31020101", "long form of a short length"),
            ("300a0c026e3102010104020a0a", "short instance"),
            ("30090c026e310201010500", "another field"),
            ("30070c026e3102010100", "a byte too many"),
            ("", "nothing"),
        ] {
            assert!(decode(&crate::testing::bytes_of(hex)).is_err(), "{why}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(node in "[a-z0-9]{1,20}", epoch: u32, instance: Option<[u8; 16]>) {
            let binding = binding(&node, epoch, instance);
            prop_assert_eq!(decode(&encode(&binding).unwrap()), Ok(binding));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(mut bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
            let _ = decode(&bytes);
            bytes = encode(&binding("node", 7, Some([3; 16]))).unwrap();
            *at.get_mut(&mut bytes) = byte;
            let Ok(read) = decode(&bytes) else { return Ok(()) };
            prop_assert_eq!(encode(&read).unwrap(), bytes);
        }
    }
}
