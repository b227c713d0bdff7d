//! The bridge that joins hosts and pods, and the cable of each to it.

use crate::address::{BRIDGE, GATEWAY, NOBODY, Place};
use crate::error::LabError;
use crate::namespace::Namespace;
use crate::tool;

/// The bridge's interface, on which captures are taken.
pub(crate) const BRIDGE_NAME: &str = "br0";

/// Makes the bridge in the switch's namespace.
pub(crate) fn make_bridge(switch: &Namespace) -> Result<(), LabError> {
    let (address, mac) = (BRIDGE.ipv4(), BRIDGE.mac());
    let (nobody, nobody_mac) = (NOBODY.ipv4(), NOBODY.mac());
    // Frames are forwarded from the first one on (`forward_delay 0`), and multicasts go everywhere: neighbour
    // discovery must not wait for a querier that nobody is.
    ip(
        switch,
        &format!(
            "link add {BRIDGE_NAME} address {mac} type bridge forward_delay 0 mcast_snooping 0\n\
         link set {BRIDGE_NAME} addrgenmode none up\n\
         addr add {address}/16 dev {BRIDGE_NAME}\n\
         neigh add {nobody} lladdr {nobody_mac} dev {BRIDGE_NAME} nud permanent\n"
        ),
    )
}

/// Lays the cable between the bridge and a new namespace, and gives that its addresses and its default route.
pub(crate) fn join(switch: &Namespace, namespace: &Namespace, place: Place) -> Result<(), LabError> {
    let (port, pid, mac) = (place.port(), namespace.pid(), place.mac());
    // Both ends are made where they belong: no interface ever shows up in the machine's own namespace.
    ip(
        switch,
        &format!(
            "link add {port} type veth peer name eth0 address {mac} netns {pid}\n\
         link set {port} master {BRIDGE_NAME} addrgenmode none up\n"
        ),
    )?;
    let (gateway, gateway_mac, ipv4) = (GATEWAY.ipv4(), GATEWAY.mac(), place.ipv4());
    // The gateway's neighbour entry is static. Nobody would answer for it, and without an answer `connect` to a
    // virtual address would fail before the packet exists that capture is to redirect.
    ip(
        namespace,
        &format!(
            "link set eth0 up\n\
         addr add {ipv4}/16 dev eth0\n\
         neigh add {gateway} lladdr {gateway_mac} dev eth0 nud permanent\n\
         route add default via {gateway}\n"
        ),
    )?;
    join_ipv6(namespace, place)
}

fn join_ipv6(namespace: &Namespace, place: Place) -> Result<(), LabError> {
    if !std::path::Path::new("/proc/sys/net/ipv6").exists() {
        return Ok(()); // A kernel without IPv6 has a lab without IPv6.
    }
    let (gateway, gateway_mac, ipv6) = (GATEWAY.ipv6(), GATEWAY.mac(), place.ipv6());
    // No duplicate address detection: the address is ours by construction, and it would not be usable for a second.
    ip(
        namespace,
        &format!(
            "addr add {ipv6}/64 dev eth0 nodad\n\
         neigh add {gateway} lladdr {gateway_mac} dev eth0 nud permanent\n\
         route add default via {gateway} dev eth0\n"
        ),
    )
}

fn ip(namespace: &Namespace, batch: &str) -> Result<(), LabError> {
    let mut command = namespace.enter();
    command.args(["ip", "-batch", "-"]);
    tool::run(command, batch).map(drop)
}
