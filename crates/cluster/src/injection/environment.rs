//! How the two containers are told what they must know: by the variables that their program reads.

use std::fmt::Display;

use serde_json::{Value, json};

/// Variables, without those that have nothing to say, unless somebody else would say it for them.
pub(super) fn variables<const N: usize>(all: [(&str, String); N]) -> Vec<Value> {
    let said = all.into_iter().filter(|(name, value)| !value.is_empty() || is_of_a_service(name));
    said.map(|(name, value)| {
        // The API server takes an empty value away, and so leaves it as it stands here.
        if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) }
    })
    .collect()
}

/// Whether Kubernetes may set it by itself: of a Service called `bulkhead-exclude-inbound` it tells every pod of the
/// namespace, as `BULKHEAD_EXCLUDE_INBOUND_PORT=tcp://..`, unless the container says something else. Of the names that
/// come so (`.._SERVICE_HOST`, `.._SERVICE_PORT`, `.._PORT`, `.._PORT_80_TCP` and more) our program reads only such.
fn is_of_a_service(name: &str) -> bool {
    name.ends_with("_PORT")
}

/// The ports of the sidecar, which both containers must agree on. They are said although they are the program's own
/// defaults, for the same reason.
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
