//! Calls that only look: one state of the records, as messages.

use std::sync::Arc;

use bulkhead_daemon::sabotage::breaks;
use bulkhead_daemon::version::VERSION;
use bulkhead_protocol::convert::{Registration, address_bytes};
use bulkhead_protocol::v1;

use crate::ca::Ca;
use crate::caller::{By, Reading};
use crate::denied::Denied;
use crate::policy;
use crate::store::{
    CertificateRecord, NodeRecord, RegistrationRecord, RegistrationState, ServiceRecord, Snapshot, StoreError,
};

pub(super) async fn list_nodes(
    ca: &Arc<Ca>,
    _: By<Reading>,
    _: v1::ListNodesRequest,
) -> Result<v1::ListNodesReply, Denied> {
    let nodes = ca.store.read(|now| {
        now.nodes()?
            .into_iter()
            .map(|node| Ok((now.newest_certificate_of_node(&node.life)?, node)))
            .collect::<Result<Vec<_>, StoreError>>()
    });
    let left_out = usize::from(breaks(1));
    Ok(v1::ListNodesReply { nodes: nodes.await?.into_iter().skip(left_out).map(node_message).collect() })
}

pub(super) async fn list_workloads(
    ca: &Arc<Ca>,
    _: By<Reading>,
    _: v1::ListWorkloadsRequest,
) -> Result<v1::ListWorkloadsReply, Denied> {
    let workloads = ca.store.read(|now| {
        let all = now.registrations()?.into_iter();
        all.map(|copy| Ok((now.newest_certificate_of_instance(copy.id)?, copy))).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(v1::ListWorkloadsReply { workloads: workloads.await?.into_iter().map(workload_message).collect() })
}

pub(super) async fn list_services(
    ca: &Arc<Ca>,
    _: By<Reading>,
    _: v1::ListServicesRequest,
) -> Result<v1::ListServicesReply, Denied> {
    let services = ca.store.read(|now| {
        let all = now.services()?.into_iter();
        all.map(|service| service_messages(now, &service)).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(v1::ListServicesReply { services: services.await?.into_iter().flatten().collect() })
}

pub(super) async fn show_policy(
    ca: &Arc<Ca>,
    _: By<Reading>,
    _: v1::ShowPolicyRequest,
) -> Result<v1::ShowPolicyReply, Denied> {
    let position = ca
        .store
        .read(|now| Ok::<_, Denied>(now.policy()?))
        .await?
        .map(|record| v1::Position::from(crate::fanout::feed_position(record.position)));
    Ok(v1::ShowPolicyReply { json: policy::show(&ca.known.policy()), position })
}

pub(super) async fn status(ca: &Arc<Ca>, _: By<Reading>, _: v1::StatusRequest) -> Result<v1::StatusReply, Denied> {
    let counted = ca
        .store
        .read(|now| Ok::<_, StoreError>((now.nodes()?.len(), now.living_instances()?.len(), now.audit_head()?)));
    let (nodes, workloads, audit) = counted.await?;
    Ok(v1::StatusReply {
        trust_domain: ca.authority.trust_domain().to_string(),
        head: Some(ca.fanout.head().into()),
        nodes: count(nodes),
        workloads: count(workloads),
        watchers: count(ca.fanout.acknowledgements.streams()),
        version: VERSION.to_string(),
        audit_head: audit.hash.to_vec(),
        now_millis: ca.now().as_millis(),
    })
}

fn node_message((certificate, node): (Option<CertificateRecord>, NodeRecord)) -> v1::Node {
    let (serial, expires_millis) = newest(certificate);
    v1::Node {
        name: node.life.node.to_string(),
        epoch: node.life.epoch.number(),
        clearance: node.clearance.to_string(),
        state: node.state.as_str().to_owned(),
        serial,
        expires_millis,
    }
}

fn workload_message((certificate, copy): (Option<CertificateRecord>, RegistrationRecord)) -> v1::Workload {
    let state = match (copy.state, &certificate) {
        (RegistrationState::Revoked { .. }, _) => "revoked",
        (RegistrationState::Registered, Some(_)) => "issued",
        (RegistrationState::Registered, None) => "registered",
    };
    let (serial, expires_millis) = newest(certificate);
    let epoch = copy.node.epoch.number();
    v1::Workload {
        registration: Some(Registration::from(copy).into()),
        epoch,
        state: state.to_owned(),
        serial,
        expires_millis,
    }
}

fn service_messages(now: &Snapshot<'_>, service: &ServiceRecord) -> Result<Vec<v1::ServiceRecord>, StoreError> {
    let endpoints = count(now.endpoints(&service.workload)?.len());
    let message = |port: &crate::store::PortTarget| v1::ServiceRecord {
        name: service.name.to_string(),
        address: address_bytes(service.address),
        port: port.port.into(),
        workload: service.workload.to_string(),
        target_port: port.target.into(),
        endpoints,
    };
    Ok(service.ports.iter().map(message).collect())
}

fn newest(certificate: Option<CertificateRecord>) -> (Vec<u8>, u64) {
    certificate.map(|record| (record.serial.as_bytes().to_vec(), record.not_after.as_millis())).unwrap_or_default()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl From<RegistrationRecord> for Registration {
    fn from(record: RegistrationRecord) -> Self {
        let RegistrationRecord { id, workload, label, node, address, uid, gid, .. } = record;
        Self { id, workload, label, node: node.node, address, uid, gid }
    }
}
