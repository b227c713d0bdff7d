//! Workloads.

use super::Shown;
use super::table::{Table, or_dash, properties};
use crate::record::{Registration, RemovedWorkload, Workload};

impl Shown for [Workload] {
    fn text(&self) -> String {
        let heads = ["NAME", "WORKLOAD", "LABEL", "NODE", "EPOCH", "ADDRESS", "STATE", "SERIAL", "EXPIRES"];
        Table::new(heads).rows(self, cells).text()
    }
}

impl Shown for Registration {
    fn text(&self) -> String {
        properties(&[
            ("name", self.id.to_string()),
            ("workload", self.workload.to_string()),
            ("label", self.label.to_string()),
            ("node", self.node.to_string()),
            ("address", self.address.to_string()),
            ("uid", self.uid.to_string()),
            ("gid", self.gid.to_string()),
        ])
    }
}

impl Shown for RemovedWorkload {
    fn text(&self) -> String {
        format!("removed {}\n", self.removed)
    }
}

fn cells(workload: &Workload) -> [String; 9] {
    let Workload { registration, epoch, state, serial, expires } = workload;
    [
        registration.id.to_string(),
        registration.workload.to_string(),
        registration.label.to_string(),
        registration.node.to_string(),
        epoch.to_string(),
        registration.address.to_string(),
        state.as_str().to_owned(),
        or_dash(*serial),
        or_dash(*expires),
    ]
}

#[cfg(test)]
mod tests {
    use bulkhead_mesh::{Epoch, InstanceId};

    use super::*;

    fn workload() -> Workload {
        let registration = Registration {
            id: InstanceId::from_bytes([7; 16]),
            workload: "ns/shop/sa/web".parse().unwrap(),
            label: "internal".parse().unwrap(),
            node: "n1".parse().unwrap(),
            address: [10, 77, 1, 1].into(),
            uid: 10101,
            gid: 10102,
        };
        Workload {
            registration,
            epoch: Epoch::FIRST,
            state: "registered".parse().unwrap(),
            serial: None,
            expires: None,
        }
    }

    #[test]
    fn workloads_are_a_table() {
        let text = [workload()].as_slice().text();
        let columns = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
        let lines: Vec<_> = text.lines().map(columns).collect();
        assert_eq!(lines[0], ["NAME", "WORKLOAD", "LABEL", "NODE", "EPOCH", "ADDRESS", "STATE", "SERIAL", "EXPIRES"]);
        let name = "07".repeat(16);
        assert_eq!(lines[1], [&*name, "ns/shop/sa/web", "internal", "n1", "1", "10.77.1.1", "registered", "-", "-"]);
    }

    #[test]
    fn the_json_of_a_workload_is_as_promised() {
        assert_eq!(
            serde_json::to_value(workload()).unwrap(),
            serde_json::json!({
                "id": "07".repeat(16), "workload": "ns/shop/sa/web", "label": "internal", "node": "n1",
                "address": "10.77.1.1", "uid": 10101, "gid": 10102,
                "epoch": 1, "state": "registered", "serial": null, "expires": null,
            })
        );
    }
}
