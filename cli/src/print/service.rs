//! Services.

use super::Shown;
use super::table::{Table, properties};
use crate::record::Service;

impl Shown for [Service] {
    fn text(&self) -> String {
        let heads = ["NAME", "ADDRESS", "PORT", "WORKLOAD", "TARGET-PORT", "ENDPOINTS"];
        Table::new(heads).rows(self, |service| cells(service).map(|(_, cell)| cell)).text()
    }
}

impl Shown for Service {
    fn text(&self) -> String {
        properties(&cells(self))
    }
}

fn cells(service: &Service) -> [(&'static str, String); 6] {
    [
        ("name", service.name.to_string()),
        ("address", service.address.to_string()),
        ("port", service.port.to_string()),
        ("workload", service.workload.to_string()),
        ("target port", service.target_port.to_string()),
        ("endpoints", service.endpoints.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            name: "db".parse().unwrap(),
            address: [10, 77, 200, 1].into(),
            port: 80,
            workload: "ns/shop/sa/db".parse().unwrap(),
            target_port: 8080,
            endpoints: 2,
        }
    }

    #[test]
    fn services_are_a_table() {
        assert_eq!(
            [service()].as_slice().text(),
            "\
NAME  ADDRESS      PORT  WORKLOAD       TARGET-PORT  ENDPOINTS
db    10.77.200.1  80    ns/shop/sa/db  8080         2
"
        );
    }

    #[test]
    fn the_json_of_a_service_is_as_promised() {
        assert_eq!(
            serde_json::to_value(service()).unwrap(),
            serde_json::json!({
                "name": "db", "address": "10.77.200.1", "port": 80, "workload": "ns/shop/sa/db",
                "target_port": 8080, "endpoints": 2,
            })
        );
    }
}
