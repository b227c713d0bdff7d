//! A policy of many rules, each of which a decision about this pair has to look through.

use std::fmt::Write as _;

/// A policy without a default, whose last rule allows what the others do not speak of.
///
/// None is passed over at its first word: all name the port and the client, and only the last part of the server's
/// account tells them apart. One in ten is a denial; those are asked first.
pub(super) fn of_rules(rules: u32) -> String {
    let mut text = HEAD.to_owned();
    for number in 1..rules {
        let effect = if number.is_multiple_of(10) { "deny" } else { "allow" };
        let of_another = format!(
            "{{ from: {{ identity: ns/bench/sa/* }}, to: {{ identity: ns/bench/sa/other-{number:05} }}, ports: [8080] }}"
        );
        writeln!(text, "  - {{ name: rule-{number:05}, {effect}: {of_another} }}")
            .expect("writing to a String cannot fail");
    }
    text + LAST
}

/// The text with all but its first and last rules left out, for a reader.
pub(super) fn abridged(policy: &str) -> String {
    let lines: Vec<&str> = policy.lines().collect();
    if lines.len() <= SHOWN * 2 {
        return policy.to_owned();
    }
    let (first, last) = (&lines[..SHOWN], &lines[lines.len() - 3..]);
    let left_out = lines.len() - SHOWN - 3;
    format!("{}\n  # and {left_out} more of this form\n{}\n", first.join("\n"), last.join("\n"))
}

const HEAD: &str = "default: none\ndefault-label: internal\nmesh-cidrs: [10.77.0.0/16, 'fd77::/16']\nrules:\n";
const LAST: &str =
    "  - { name: last, allow: { from: { identity: ns/bench/sa/client }, to: { identity: ns/bench/sa/server } } }\n";
const SHOWN: usize = 16;

#[cfg(test)]
mod tests {
    use bulkhead_mesh::policy::Document;
    use bulkhead_mesh::{Direction, Flow, Party, Policy, Timestamp};

    use super::*;

    fn read(rules: u32) -> Policy {
        let document: Document = serde_saphyr::from_str(&of_rules(rules)).unwrap();
        Policy::try_from(document).unwrap()
    }

    fn admit(policy: &Policy, server: &str) -> Result<String, String> {
        let (client, server) = ("ns/bench/sa/client".parse().unwrap(), server.parse().unwrap());
        let label = "internal".parse().unwrap();
        let flow = Flow {
            client: Party::Workload { name: &client, label: &label },
            server: Party::Workload { name: &server, label: &label },
            port: 8080,
            direction: Direction::Outbound,
        };
        let permit = policy.admit(&flow, Timestamp::EPOCH);
        permit.map(|permit| permit.ground().to_string()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_last_of_so_many_rules_lets_the_pair_talk() {
        for rules in [1, 100, 10_000] {
            let policy = read(rules);
            assert_eq!(policy.document().rules.len(), usize::try_from(rules).unwrap());
            assert_eq!(admit(&policy, "ns/bench/sa/server"), Ok("rule `last`".to_owned()));
        }
    }

    #[test]
    fn every_other_rule_speaks_of_the_client_and_the_port() {
        let policy = read(100);
        assert_eq!(admit(&policy, "ns/bench/sa/other-00001"), Ok("rule `rule-00001`".to_owned()));
        assert!(admit(&policy, "ns/bench/sa/other-00010").unwrap_err().contains("rule-00010"));
        assert!(admit(&policy, "ns/bench/sa/nobody").is_err());
    }

    #[test]
    fn a_reader_is_shown_the_first_rules_and_the_last() {
        let shown = abridged(&of_rules(10_000));
        assert!(shown.contains("rule-00001") && shown.contains("name: last") && shown.len() < 4000, "{shown}");
        assert_eq!(abridged(&of_rules(2)), of_rules(2));
    }
}
