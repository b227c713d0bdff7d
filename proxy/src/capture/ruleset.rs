//! The rules as a text for `nft -f`: one table of our own, replaced in one transaction.

use std::fmt::Display;
use std::net::IpAddr;

use ipnet::IpNet;

use super::config::CANARIES;
use super::{CaptureConfig, Ports};

/// The rules for this configuration. The text replaces whatever stood in the table before, at once: between the old
/// rules and the new ones not a packet passes.
///
/// An account is recognised by uid *and* gid; a mark would not do, because a container with CAP_NET_RAW can set one.
/// Packets without a socket (those of a connection that was closed and is still sending) have no account, so the
/// proxy's connections are remembered by a conntrack mark, which only these rules can set.
pub fn ruleset(config: &CaptureConfig) -> String {
    let chains =
        [sets(config), out_nat(config), in_nat(config), guard_in(config), guard_local(config), guard_out(config)];
    format!("table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{}}}\n", chains.join("\n"))
}

/// The text that takes the table away; no error if there is none.
pub(super) fn removal() -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n")
}

fn sets(config: &CaptureConfig) -> String {
    let resolvers: Vec<IpNet> = config.resolvers.iter().map(|address| IpNet::from(*address)).collect();
    let named = [("mesh", &config.mesh), ("resolvers", &resolvers), ("excluded", &config.exclusions.outbound)];
    named.into_iter().map(|(name, networks)| set(name, networks)).collect()
}

/// Two sets, one per family. Overlapping networks are merged, since nft refuses them otherwise.
fn set(name: &str, networks: &[IpNet]) -> String {
    let one = |suffix: u8, kind: &str, elements: Vec<String>| {
        let elements =
            if elements.is_empty() { String::new() } else { format!(" elements = {{ {} }};", elements.join(", ")) };
        format!("  set {name}{suffix} {{ type {kind}; flags interval; auto-merge;{elements} }}\n")
    };
    let of = |v4: bool| {
        let family = networks.iter().filter(|network| matches!(network, IpNet::V4(_)) == v4);
        family.map(|network| network.trunc().to_string()).collect()
    };
    one(4, "ipv4_addr", of(true)) + &one(6, "ipv6_addr", of(false))
}

/// Outbound connections, when their first packet is sent. Calls of a workload to its own address are among them.
fn out_nat(config: &CaptureConfig) -> String {
    let out = config.ports.outbound;
    let mut rules = Vec::new();
    for canary in CANARIES {
        let (family, address) = (family(canary.ip()), canary.ip());
        // Before the exemption: that the proxy's own connection arrives proves that the chain is there.
        rules.push(format!(
            r#"{family} daddr {address} tcp dport {} counter redirect to :{out} comment "canary""#,
            canary.port()
        ));
    }
    rules.push(format!(r#"{} counter return comment "the proxy itself""#, account(config)));
    if config.host {
        rules.push(r#"meta skuid 0 counter return comment "the host is managed by root""#.into());
    }
    rules.push(r#"oifname "lo" ip daddr 127.0.0.0/8 return"#.into());
    rules.push(r#"oifname "lo" ip6 daddr ::1 return"#.into());
    rules.extend(directly(config, "return"));
    rules.push(format!("meta l4proto tcp counter redirect to :{out}"));
    chain("out_nat", &format!("nat hook output priority {NAT}"), &rules)
}

/// Inbound connections, when their first packet arrives. What a host forwards for others is not its own.
fn in_nat(config: &CaptureConfig) -> String {
    let mut rules = vec![
        r#"iifname "lo" return"#.into(),
        "fib daddr type != local return".into(),
        format!("tcp dport {} return", ports(&own_ports(config))),
    ];
    if let Some(open) = open_ports(config) {
        rules.push(format!(r#"tcp dport {open} counter return comment "excluded""#));
    }
    rules.push(format!("meta l4proto tcp counter redirect to :{}", config.ports.inbound));
    chain("in_nat", &format!("nat hook prerouting priority {NAT}"), &rules)
}

/// The ports of captured connections are not for others: before the redirection, nobody may name them.
fn guard_in(config: &CaptureConfig) -> String {
    let ports = ports(&[config.ports.outbound, config.ports.inbound]);
    let rule =
        format!(r#"iifname != "lo" fib daddr type local tcp dport {ports} counter drop comment "not for others""#);
    chain("guard_in", "filter hook prerouting priority -150", &[rule])
}

/// What arrives and was not redirected: tunnels, probes, exclusions, answers to what was let out. Else it is a connection
/// that conntrack knew before these rules, which it does not ask again.
fn guard_local(config: &CaptureConfig) -> String {
    let mut rules = vec![
        r#"iifname "lo" accept"#.into(),
        format!("{REDIRECTED} ct reply proto-src {} accept", config.ports.inbound),
        format!("tcp dport {} accept", config.ports.tunnel),
    ];
    rules.extend(config.ports.probe.map(|probe| format!("tcp dport {probe} accept")));
    rules.extend(open_ports(config).map(|open| format!("tcp dport {open} accept")));
    rules.push("meta l4proto tcp ct direction reply accept".into());
    // Not reset: the packet may belong to a tunnel of the proxy and only be late.
    rules.push(r#"meta l4proto tcp ct state invalid counter drop comment "invalid""#.into());
    rules.push(r#"meta l4proto tcp counter reject with tcp reset comment "open before capture, inbound""#.into());
    chain("guard_local", "filter hook input priority 0", &rules)
}

/// What leaves: the proxy's connections, those that were redirected, and exclusions. The rest of TCP is a connection from
/// before these rules; the rest of what goes to the mesh has no encryption.
fn guard_out(config: &CaptureConfig) -> String {
    let mut rules = vec![format!("{} ct mark set ct mark or {MARK:#x} accept", account(config))];
    if config.host {
        rules.push(format!("meta skuid 0 ct mark set ct mark or {MARK:#x} accept"));
    }
    rules.push(format!("ct mark and {MARK:#x} == {MARK:#x} accept"));
    rules.push(r#"oifname "lo" accept"#.into());
    rules.extend(redirected(config));
    rules.extend(directly(config, "accept"));
    rules.extend(
        ["udp dport 53 ip daddr @resolvers4 accept", "udp dport 53 ip6 daddr @resolvers6 accept"].map(Into::into),
    );
    let mut answering = vec![config.ports.tunnel];
    answering.extend(config.ports.probe);
    answering.extend(open_port_list(config));
    rules.push(format!("meta l4proto tcp ct direction reply ct original proto-dst {} accept", ports(&answering)));
    rules.push(r#"meta l4proto tcp counter reject with tcp reset comment "open before capture, outbound""#.into());
    rules.push(format!("icmp type {{ {ICMP_ERRORS} }} counter accept"));
    rules.push(format!("icmpv6 type {{ {ICMPV6_NEEDED} }} counter accept"));
    for family in [4, 6] {
        let ip = if family == 4 { "ip" } else { "ip6" };
        rules.push(format!(r#"meta l4proto udp {ip} daddr @mesh{family} counter drop comment "UDP to the mesh""#));
        rules.push(format!(r#"{ip} daddr @mesh{family} counter drop comment "not TCP to the mesh""#));
    }
    chain("guard_out", "filter hook output priority 10", &rules)
}

/// What this table redirected, and nothing that somebody else's table sent elsewhere: a captured connection goes to this
/// namespace itself, which the output device does not tell, since it is that of before the redirection.
fn redirected(config: &CaptureConfig) -> [String; 2] {
    let Ports { outbound, inbound, .. } = config.ports;
    [
        format!("{REDIRECTED} ct direction original ct reply proto-src {outbound} fib daddr type local accept"),
        format!("{REDIRECTED} ct direction reply ct reply proto-src {inbound} accept"),
    ]
}

/// The rules for what applications reach without the proxy.
fn directly(config: &CaptureConfig, verdict: &str) -> Vec<String> {
    let mut rules = vec![
        format!("tcp dport 53 ip daddr @resolvers4 counter {verdict}"),
        format!("tcp dport 53 ip6 daddr @resolvers6 counter {verdict}"),
        format!(r#"meta l4proto tcp ip daddr @excluded4 counter {verdict} comment "excluded""#),
        format!(r#"meta l4proto tcp ip6 daddr @excluded6 counter {verdict} comment "excluded""#),
    ];
    if !config.exclusions.outbound_ports.is_empty() {
        let excluded = ports(&config.exclusions.outbound_ports);
        rules.push(format!(r#"tcp dport {excluded} counter {verdict} comment "excluded""#));
    }
    rules
}

fn chain(name: &str, hook: &str, rules: &[String]) -> String {
    format!("  chain {name} {{\n    type {hook}; policy accept;\n    {}\n  }}\n", rules.join("\n    "))
}

fn account(config: &CaptureConfig) -> String {
    format!("meta skuid {} meta skgid {}", config.uid, config.gid)
}

/// Without the admin port: it is on loopback only, so on the pod's address it would be an application's.
fn own_ports(config: &CaptureConfig) -> Vec<u16> {
    config.ports.at_the_workload().collect()
}

fn open_port_list(config: &CaptureConfig) -> Vec<u16> {
    let mut open = config.exclusions.inbound_ports.clone();
    open.extend(config.host.then_some(SSH));
    open
}

fn open_ports(config: &CaptureConfig) -> Option<String> {
    let open = open_port_list(config);
    (!open.is_empty()).then(|| ports(&open))
}

/// An anonymous set; nft refuses a port that is named twice.
fn ports(ports: &[u16]) -> String {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    format!("{{ {} }}", join(&sorted))
}

fn join(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}

/// The name of the table, in the family `inet`.
pub(super) const TABLE: &str = "bulkhead";
/// On the connections of the proxy itself: one bit, since on a host others keep theirs in the same mark.
const MARK: u32 = 0x1000_0000;
/// Before the tables of others (-100, "dstnat"): the first chain that translates a connection is the only one.
const NAT: i32 = -110;
/// Also somebody else's; only together with one of the proxy's ports is it ours. nft 1.0.6 does not take ports without
/// the protocol in front.
const REDIRECTED: &str = "meta l4proto tcp ct status dnat";
const SSH: u16 = 22;
const ICMP_ERRORS: &str = "destination-unreachable, time-exceeded, parameter-problem";
/// Errors (RFC 4443), neighbour discovery (RFC 4861) and the multicast groups that it needs (RFC 3810).
const ICMPV6_NEEDED: &str = "destination-unreachable, packet-too-big, time-exceeded, parameter-problem, \
    nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report, \
    mld-listener-done";

#[cfg(test)]
mod tests {
    use bulkhead_mesh::probe::Probe;

    use super::*;
    use crate::capture::Exclusions;

    fn config() -> CaptureConfig {
        let mesh = ["10.96.0.0/12", "fd77::/64"].map(|text| text.parse().unwrap());
        CaptureConfig::new(mesh.into(), vec!["10.96.0.10".parse().unwrap()])
    }

    #[test]
    fn a_pods_rules_are_these() {
        let ports = Ports { probe: Some(Probe::PORT), ..Ports::default() };
        assert_eq!(ruleset(&CaptureConfig { ports, ..config() }), include_str!("testdata/pod.nft"));
    }

    #[test]
    fn a_hosts_rules_with_exclusions_are_these() {
        let exclusions = Exclusions {
            outbound: ["169.254.169.254/32", "2001:db8:1::/48"].map(|text| text.parse().unwrap()).into(),
            outbound_ports: vec![25, 25],
            inbound_ports: vec![9100],
        };
        assert_eq!(ruleset(&CaptureConfig { exclusions, host: true, ..config() }), include_str!("testdata/host.nft"));
    }
}
