//! Services.

use std::net::IpAddr;

use bulkhead_mesh::{ServiceName, WorkloadName};
use bulkhead_protocol::convert::{ConvertError, address_bytes, read_address, read_port, read_text};
use bulkhead_protocol::v1;

use super::{Client, ClientError, ask};
use crate::record::Service;

/// What is to be created.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Its name.
    pub name: ServiceName,
    /// The virtual address.
    pub address: IpAddr,
    /// The virtual port.
    pub port: u16,
    /// Whose instances answer there.
    pub workload: WorkloadName,
    /// The port at which they answer.
    pub target_port: u16,
}

impl Client {
    /// Puts a virtual address in front of a workload's instances.
    pub async fn create_service(&mut self, new: &NewService) -> Result<Service, ClientError> {
        let request = v1::CreateServiceRequest {
            name: new.name.to_string(),
            address: address_bytes(new.address),
            port: new.port.into(),
            workload: new.workload.to_string(),
            target_port: new.target_port.into(),
        };
        Ok(service(&ask(self.admin.create_service(request)).await?)?)
    }

    /// Every service.
    pub async fn services(&mut self) -> Result<Vec<Service>, ClientError> {
        let reply = ask(self.admin.list_services(v1::ListServicesRequest {})).await?;
        Ok(reply.services.iter().map(service).collect::<Result<_, _>>()?)
    }
}

fn service(record: &v1::ServiceRecord) -> Result<Service, ConvertError> {
    Ok(Service {
        name: read_text("service.name", &record.name)?,
        address: read_address("service.address", &record.address)?,
        port: read_port("service.port", record.port)?,
        workload: read_text("service.workload", &record.workload)?,
        target_port: read_port("service.target_port", record.target_port)?,
        endpoints: record.endpoints,
    })
}
