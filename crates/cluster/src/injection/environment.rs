//! How the two containers are told what they must know: by the variables that their program reads.

use std::fmt::Display;

use serde_json::{Value, json};

/// Variables, without those that have nothing to say.
pub(super) fn variables<const N: usize>(all: [(&str, String); N]) -> Vec<Value> {
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// The ports of the sidecar, which both containers must agree on. They are said although they are the program's own
/// defaults: of a Service called `bulkhead-tunnel` Kubernetes would tell every pod as `BULKHEAD_TUNNEL_PORT`.
pub(super) fn ports() -> Vec<Value> {
    variables([
        ("BULKHEAD_OUTBOUND_PORT", "15001".to_owned()),
        ("BULKHEAD_INBOUND_PORT", "15006".to_owned()),
        ("BULKHEAD_TUNNEL_PORT", "15008".to_owned()),
    ])
}

/// With commas between.
pub(super) fn joined<T: Display>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}
