//! The kernel's parameters in the pods of the arm.

use anyhow::{Context as _, Result};
use bulkhead_lab::Host;

/// Makes room for ten thousand connections.
pub(super) fn prepare(pod: &Host) -> Result<()> {
    let set = |(name, value): &(&str, &str)| pod.set_sysctl(name, value);
    PARAMETERS.iter().try_for_each(set).context("a kernel parameter of the pod cannot be set")
}

/// What is set, for the result.
pub(super) fn described() -> String {
    PARAMETERS.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n")
}

const PARAMETERS: &[(&str, &str)] = &[
    ("net.ipv4.ip_local_port_range", "1024 65535"),
    ("net.ipv4.tcp_max_syn_backlog", "4096"),
    ("net.core.somaxconn", "4096"),
];
