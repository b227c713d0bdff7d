//! How the traffic of an arm gets to its proxies: as little as does it, and nothing past them.

use std::time::Duration;

use anyhow::Result;
use bulkhead_lab::Host;

use super::{APPLICATION_PORT, OUTBOUND_PORT, SIDECAR};
use crate::arm::Ends;

/// Redirects what the client's pod sends to the server's, and lets nobody but the server's own pod talk to the
/// application.
pub(super) fn install(ends: &Ends) -> Result<()> {
    nft(&ends.client, &client_rules(ends))?;
    nft(&ends.server, &server_rules())
}

/// Every TCP connection to the server's pod, unless it is the proxy's own.
pub(super) fn client_rules(ends: &Ends) -> String {
    format!(
        "table inet bench {{
  chain out {{
    type nat hook output priority -110; policy accept;
    meta skuid {SIDECAR} meta skgid {SIDECAR} return
    meta l4proto tcp ip daddr {server} redirect to :{OUTBOUND_PORT}
  }}
}}
",
        server = ends.server.ipv4()
    )
}

/// What comes from outside is for the proxy.
pub(super) fn server_rules() -> String {
    format!(
        "table inet bench {{
  chain in {{
    type filter hook input priority 0; policy accept;
    iifname != \"lo\" tcp dport {APPLICATION_PORT} reject with tcp reset
  }}
}}
"
    )
}

fn nft(pod: &Host, rules: &str) -> Result<()> {
    pod.command("nft").args(["-f", "-"]).stdin(rules).run(DEADLINE)?.success("nft")?;
    Ok(())
}

const DEADLINE: Duration = Duration::from_secs(10);
