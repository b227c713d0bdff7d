//! Revocations and their receipts, as sentences.

use super::Shown;
use super::count::count;
use crate::record::{Receipt, Revocation, Silent};

impl Shown for Revocation {
    fn text(&self) -> String {
        let revoked = format!("revoked {} (epoch {}) at {}", self.node, self.epoch, self.committed);
        match &self.receipt {
            None => revoked + "\n",
            Some(receipt) => format!("{revoked}; {}\n{}", summary(receipt), silent(receipt)),
        }
    }
}

fn summary(receipt: &Receipt) -> String {
    let Receipt { expected, enforced, elapsed_millis, connections_closed, .. } = receipt;
    let closed = count(*connections_closed, "connection");
    match enforced {
        0 => format!("0 of {expected} enforce it; {closed} closed"),
        _ => format!("{enforced} of {expected} enforce it, after {elapsed_millis} ms; {closed} closed"),
    }
}

fn silent(receipt: &Receipt) -> String {
    receipt.silent.iter().map(|silent| line(silent) + "\n").collect()
}

fn line(silent: &Silent) -> String {
    let Silent { instance, workload, node, exposed_until } = silent;
    format!("{workload} on {node}: may go on until {exposed_until} (instance {instance})")
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::{Epoch, InstanceId};

    use super::*;
    use crate::record::{Moment, Position};

    const COMMITTED: Moment = Moment::from_millis(1_795_541_812_040);

    fn revocation(receipt: Option<Receipt>) -> Revocation {
        let position = Position { incarnation: 1, n: 9 };
        Revocation { node: "n1".parse().unwrap(), epoch: Epoch::FIRST, committed: COMMITTED, position, receipt }
    }

    fn receipt(enforced: u32, connections_closed: u64) -> Receipt {
        let silent = Silent {
            instance: InstanceId::from_bytes([7; 16]),
            workload: "ns/pay/sa/ledger".parse().unwrap(),
            node: "n4".parse().unwrap(),
            exposed_until: Moment::from_millis(1_795_545_412_000),
        };
        let silent = if enforced < 5 { vec![silent] } else { Vec::new() };
        Receipt { expected: 5, enforced, elapsed_millis: 41, connections_closed, complete: enforced == 5, silent }
    }

    #[test]
    fn a_revocation_is_a_sentence_and_each_silent_instance_a_line() {
        let revoked = "revoked n1 (epoch 1) at 2026-11-24T17:36:52.040Z";
        let ledger = "ns/pay/sa/ledger on n4: may go on until 2026-11-24T18:36:52Z (instance ";
        let ledger = ledger.to_owned() + &"07".repeat(16) + ")\n";
        for (receipt, text) in [
            (None, format!("{revoked}\n")),
            (Some(receipt(5, 3)), format!("{revoked}; 5 of 5 enforce it, after 41 ms; 3 connections closed\n")),
            (Some(receipt(4, 1)), format!("{revoked}; 4 of 5 enforce it, after 41 ms; 1 connection closed\n{ledger}")),
            (Some(receipt(0, 0)), format!("{revoked}; 0 of 5 enforce it; 0 connections closed\n{ledger}")),
        ] {
            assert_eq!(revocation(receipt).text(), text);
        }
    }

    #[test]
    fn the_json_of_a_revocation_is_as_promised() {
        assert_eq!(
            serde_json::to_value(revocation(Some(receipt(4, 3)))).unwrap(),
            serde_json::json!({
                "node": "n1", "epoch": 1, "committed": "2026-11-24T17:36:52.040Z",
                "position": { "incarnation": 1, "n": 9 },
                "receipt": {
                    "expected": 5, "enforced": 4, "elapsed_millis": 41, "connections_closed": 3, "complete": false,
                    "silent": [{
                        "instance": "07".repeat(16), "workload": "ns/pay/sa/ledger", "node": "n4",
                        "exposed_until": "2026-11-24T18:36:52.000Z",
                    }],
                },
            })
        );
    }
}
