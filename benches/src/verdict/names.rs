//! What the arms are called in a table and in a sentence, and in which order they stand.

use crate::arm::ArmName;
use crate::verdict::number;

/// The arm without proxies.
pub const NO_PROXY: &str = "none";

/// The arms that have words of their own, in the order of the table.
const KNOWN: [Words; 7] = [
    Words { name: ArmName::BULKHEAD, label: "Bulkhead", plain: "Bulkhead", owner: "Bulkhead's" },
    Words { name: NO_PROXY, label: "no proxy", plain: "no proxy", owner: "that without a proxy" },
    Words { name: "relay", label: "plain relay", plain: "the plain relay", owner: "the plain relay's" },
    Words { name: "haproxy", label: "HAProxy", plain: "HAProxy", owner: "HAProxy's" },
    Words { name: "nginx", label: "nginx", plain: "nginx", owner: "nginx's" },
    Words {
        name: "envoy-tls",
        label: "Envoy, TLS",
        plain: "Envoy with TLS per connection",
        owner: "Envoy's with TLS per connection",
    },
    Words {
        name: "envoy-connect",
        label: "Envoy, CONNECT",
        plain: "Envoy with HTTP/2 CONNECT",
        owner: "Envoy's with HTTP/2 CONNECT",
    },
];

struct Words {
    name: &'static str,
    label: &'static str,
    plain: &'static str,
    owner: &'static str,
}

/// Whether `arm` has no proxies.
pub fn is_without_proxies(arm: &ArmName) -> bool {
    arm.0 == NO_PROXY
}

/// What a column is headed with: `HAProxy`, `10,000 rules`.
pub fn label(arm: &ArmName) -> String {
    match (arm.setting(), known(arm)) {
        (Some(setting), _) => counted(setting),
        (None, Some(words)) => words.label.into(),
        (None, None) => arm.0.clone(),
    }
}

/// What a sentence calls it: `the plain relay`, `10,000 rules`.
pub fn plain(arm: &ArmName) -> String {
    known(arm).map_or_else(|| label(arm), |words| words.plain.into())
}

/// Of whom a figure is: `HAProxy's`.
pub fn owner(arm: &ArmName) -> String {
    known(arm).map_or_else(|| format!("{}'s", arm.0), |words| words.owner.into())
}

/// Where `arm` stands: Bulkhead, the others from nothing to the heaviest, unknown ones by name, settings by size.
pub fn place(arm: &ArmName) -> impl Ord + use<> {
    let known = KNOWN.iter().position(|words| words.name == arm.0).unwrap_or(KNOWN.len());
    let (what, how_many) = arm.setting().map_or((arm.0.as_str(), 0), size);
    (arm.is_setting(), known, what.to_owned(), how_many, arm.0.clone())
}

fn known(arm: &ArmName) -> Option<&'static Words> {
    KNOWN.iter().find(|words| words.name == arm.0)
}

/// `rules-10000` as people say it: `10,000 rules`.
fn counted(setting: &str) -> String {
    match setting.rsplit_once('-') {
        Some((what, digits)) if is_number(digits) => format!("{} {what}", number::thousands(digits)),
        _ => setting.into(),
    }
}

fn size(setting: &str) -> (&str, u64) {
    match setting.rsplit_once('-') {
        Some((what, digits)) if is_number(digits) => (what, digits.parse().unwrap_or(u64::MAX)),
        _ => (setting, 0),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(name: &str) -> ArmName {
        ArmName(name.into())
    }

    #[test]
    fn arms_stand_in_the_tables_order_and_settings_by_size() {
        let expected = [
            "bulkhead",
            "none",
            "relay",
            "haproxy",
            "nginx",
            "envoy-tls",
            "envoy-connect",
            "aproxy",
            "ztunnel",
            "bulkhead@cutoffs-1000000",
            "bulkhead@rules-100",
            "bulkhead@rules-10000",
        ];
        let mut arms: Vec<_> = expected.iter().rev().map(|name| arm(name)).collect();
        arms.sort_by_key(place);
        assert_eq!(arms, expected.map(arm));
    }

    #[test]
    fn an_arm_is_called_what_people_call_it() {
        for (name, expected) in [
            ("none", ["no proxy", "no proxy", "that without a proxy"]),
            ("relay", ["plain relay", "the plain relay", "the plain relay's"]),
            ("envoy-tls", ["Envoy, TLS", "Envoy with TLS per connection", "Envoy's with TLS per connection"]),
            ("ztunnel", ["ztunnel", "ztunnel", "ztunnel's"]),
            ("bulkhead@cutoffs-1000000", ["1,000,000 cutoffs", "1,000,000 cutoffs", "bulkhead@cutoffs-1000000's"]),
            ("bulkhead@odd", ["odd", "odd", "bulkhead@odd's"]),
        ] {
            let arm = arm(name);
            assert_eq!([label(&arm), plain(&arm), owner(&arm)], expected, "{name}");
        }
    }
}
