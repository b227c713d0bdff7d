//! Nodes.

use super::Shown;
use super::table::{Table, or_dash, properties};
use crate::record::{Node, NodeOrder};

impl Shown for [Node] {
    fn text(&self) -> String {
        let heads = ["NAME", "EPOCH", "CLEARANCE", "STATE", "SERIAL", "EXPIRES"];
        Table::new(heads).rows(self, |node| cells(node).map(|(_, cell)| cell)).text()
    }
}

impl Shown for Node {
    fn text(&self) -> String {
        properties(&cells(self))
    }
}

impl Shown for NodeOrder {
    fn text(&self) -> String {
        format!("admits {} with {} when it comes, until {}\n", self.node, self.clearance, self.expires)
    }
}

fn cells(node: &Node) -> [(&'static str, String); 6] {
    [
        ("name", node.name.to_string()),
        ("epoch", node.epoch.to_string()),
        ("clearance", node.clearance.to_string()),
        ("state", node.state.as_str().to_owned()),
        ("serial", or_dash(node.serial)),
        ("expires", or_dash(node.expires)),
    ]
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::{Epoch, Serial};

    use super::*;
    use crate::record::Moment;

    fn nodes() -> Vec<Node> {
        let node = |name: &str, clearance: &str, state: &str, serial| Node {
            name: name.parse().unwrap(),
            epoch: Epoch::FIRST,
            clearance: clearance.parse().unwrap(),
            state: state.parse().unwrap(),
            serial,
            expires: serial.map(|_| Moment::from_millis(1_795_541_812_000)),
        };
        let serial = Serial::from_random([0xa5; 16]);
        vec![node("n1", "internal", "admitted", Some(serial)), node("vault-4", "restricted:pci", "revoked", None)]
    }

    #[test]
    fn nodes_are_a_table() {
        assert_eq!(
            nodes().as_slice().text(),
            "\
NAME     EPOCH  CLEARANCE       STATE     SERIAL                            EXPIRES
n1       1      internal        admitted  65a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5  2026-11-24T17:36:52Z
vault-4  1      restricted:pci  revoked   -                                 -
"
        );
    }

    #[test]
    fn one_node_is_a_line_per_property() {
        let text = nodes()[1].text();
        assert!(text.starts_with("name:       vault-4\nepoch:      1\n"), "{text}");
    }

    #[test]
    fn the_json_of_a_node_is_as_promised() {
        let json = serde_json::to_value(nodes()).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                { "name": "n1", "epoch": 1, "clearance": "internal", "state": "admitted",
                  "serial": "65a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", "expires": "2026-11-24T17:36:52.000Z" },
                { "name": "vault-4", "epoch": 1, "clearance": "restricted:pci", "state": "revoked",
                  "serial": null, "expires": null },
            ])
        );
    }
}
