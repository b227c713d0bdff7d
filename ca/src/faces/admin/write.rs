//! Calls that change something: messages to types, one function of the CA, and back.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{InstanceId, Timestamp};
use bulkhead_protocol::convert::{Registration, address_bytes, read_address, read_bytes, read_port, read_text};
use bulkhead_protocol::v1;

use crate::ca::Ca;
use crate::caller::{By, Loosening, Ordinary, Tightening};
use crate::denied::Denied;
use crate::registry::{self, NewWorkload};
use crate::store::{Clearance, PortTarget, ServiceRecord};
use crate::{admission, policy, revocation};

pub(super) async fn revoke_node(
    ca: &Arc<Ca>,
    by: By<Tightening>,
    request: v1::RevokeNodeRequest,
) -> Result<v1::Revocation, Denied> {
    let (node, reason) = (read_text("node", &request.node)?, read_text("reason", &request.reason)?);
    let revoked = revocation::revoke_node(ca, by, node, reason).await?;
    Ok(v1::Revocation {
        node: revoked.life.node.to_string(),
        epoch: revoked.life.epoch.number(),
        position: Some(revoked.position.into()),
        committed_millis: revoked.at.as_millis(),
    })
}

pub(super) async fn admit_node(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    request: v1::AdmitNodeRequest,
) -> Result<v1::AdmitNodeReply, Denied> {
    let (node, ceiling) = (read_text("node", &request.node)?, read_text("clearance", &request.clearance)?);
    let (clearance, lifetime) = (Clearance { ceiling, floor: None }, read_lifetime(request.lifetime_seconds)?);
    let expires = admission::order_node(ca, by, node, clearance, lifetime).await?;
    Ok(v1::AdmitNodeReply { expires_millis: expires.as_millis() })
}

pub(super) async fn create_token(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreateTokenReply, Denied> {
    let (node, ceiling) = (read_text("node", &request.node)?, read_text("clearance", &request.clearance)?);
    let (clearance, lifetime) = (Clearance { ceiling, floor: None }, read_lifetime(request.lifetime_seconds)?);
    let created = admission::create_token(ca, by, node, clearance, Vec::new(), lifetime).await?;
    let token = created.token.to_text().to_string();
    Ok(v1::CreateTokenReply { token, expires_millis: created.expires.as_millis() })
}

pub(super) async fn register_workload(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    request: v1::RegisterWorkloadRequest,
) -> Result<v1::Registration, Denied> {
    let label = Some(&request.label).filter(|label| !label.is_empty());
    let new = NewWorkload {
        workload: read_text("workload", &request.workload)?,
        node: read_text("node", &request.node)?,
        label: label.map(|label| read_text("label", label)).transpose()?,
        address: read_address("address", &request.address)?,
        uid: request.uid,
        gid: request.gid,
    };
    let registered = registry::register(ca, by, new).await?;
    Ok(Registration::from(registered).into())
}

pub(super) async fn remove_workload(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    request: v1::RemoveWorkloadRequest,
) -> Result<v1::RemoveWorkloadReply, Denied> {
    let id = InstanceId::from_bytes(read_bytes("registration", &request.registration)?);
    registry::remove(ca, by, id).await.map(|()| v1::RemoveWorkloadReply {})
}

pub(super) async fn create_service(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    request: v1::CreateServiceRequest,
) -> Result<v1::ServiceRecord, Denied> {
    let (port, target) = (read_port("port", request.port)?, read_port("target_port", request.target_port)?);
    let new = ServiceRecord {
        name: read_text("name", &request.name)?,
        address: read_address("address", &request.address)?,
        workload: read_text("workload", &request.workload)?,
        ports: vec![PortTarget { port, target }],
        created_at: Timestamp::EPOCH,
    };
    let (created, endpoints) = registry::create_service(ca, by, new).await?;
    Ok(v1::ServiceRecord {
        name: created.name.to_string(),
        address: address_bytes(created.address),
        port: request.port,
        workload: created.workload.to_string(),
        target_port: request.target_port,
        endpoints: u32::try_from(endpoints).unwrap_or(u32::MAX),
    })
}

pub(super) async fn apply_policy(
    ca: &Arc<Ca>,
    by: By<Loosening>,
    request: v1::ApplyPolicyRequest,
) -> Result<v1::ApplyPolicyReply, Denied> {
    let position = policy::apply(ca, by, request.yaml).await?;
    Ok(v1::ApplyPolicyReply { position: Some(position.into()) })
}

fn read_lifetime(seconds: u32) -> Result<Duration, Denied> {
    if TOKEN_SECONDS.contains(&seconds) {
        Ok(Duration::from_secs(seconds.into()))
    } else {
        Err(Denied::TokenLifetime { seconds })
    }
}

/// A token is a secret on its way: long enough to be carried to the node, short enough to be forgotten.
const TOKEN_SECONDS: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 3600;
