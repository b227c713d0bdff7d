//! What stands at an address, signed.

use std::net::IpAddr;

use bulkhead_mesh::{Entry, Purpose, Resolution, Service, TrustDomain};
use bulkhead_protocol::feed::AddressAnswer;
use bulkhead_protocol::v1::SignedAddress;

use super::Fanout;
use crate::ca::Ca;
use crate::denied::Denied;
use crate::store::{RegistrationRecord, Snapshot, Standing, StoreError};

impl Fanout {
    /// Looks an address up in the records and signs what stands there.
    pub async fn answer(&self, ca: &Ca, address: IpAddr) -> Result<SignedAddress, Denied> {
        let look =
            move |now: &Snapshot<'_>| Ok::<_, StoreError>((now.stands_at(address)?, now.address_version(address)?));
        let (standing, version) = self.consult(&ca.store, look).await?;
        let resolution = resolve(ca.authority.trust_domain(), address, standing)?;
        let incarnation = self.head().incarnation;
        Ok(self.signer.address(&AddressAnswer { incarnation, address, version, resolution })?)
    }
}

fn resolve(trust_domain: &TrustDomain, address: IpAddr, standing: Standing) -> Result<Resolution, Denied> {
    match standing {
        Standing::Workload(copy) => entry(trust_domain, copy).map(Resolution::Entry),
        Standing::Service(service, mut copies) => {
            // More than a service may have would end the stream of everybody who asks; so many are enough to choose from.
            copies.truncate(Service::MAX_ENDPOINTS / service.ports.len().max(1));
            Ok(Resolution::Service(service.resolve(&copies)?))
        }
        Standing::Plain => Ok(Resolution::Entry(Entry::Plain)),
        Standing::ClusterService(service) => {
            Ok(service.resolve(address)?.map_or(Resolution::Unknown, Resolution::Service))
        }
        Standing::Nothing => Ok(Resolution::Unknown),
    }
}

fn entry(trust_domain: &TrustDomain, copy: RegistrationRecord) -> Result<Entry, Denied> {
    let id = Purpose::Workload(copy.workload).id(trust_domain)?;
    Ok(Entry::Workload { id, node: copy.node, instance: copy.id })
}
