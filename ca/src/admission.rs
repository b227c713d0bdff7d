//! How a node comes in: a join token that an operator made, for one key. And what an operator says of those that come
//! otherwise (see [`crate::attestation`]).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Label, NodeName, Purpose, Serial, Timestamp};
use bulkhead_protocol::join_token::{JoinSecret, JoinToken};

use crate::audit::{Action, Actor, AuditRecord, Outcome};
use crate::ca::Ca;
use crate::caller::{By, Loosening, Ordinary};
use crate::csr;
use crate::denied::Denied;
use crate::dice;
use crate::issuance::{node_record, sign_node};
use crate::sign::Certificate;
use crate::store::{
    Admission, Clearance, Lane, NodeOrder, NodeRefusal, Snapshot, StoreError, TokenHash, TokenRecord, TokenRefusal,
};

/// A token that was made, with its secret.
#[derive(Debug)]
pub struct NewToken {
    /// The token.
    pub token: JoinToken,
    /// Until when it is worth anything.
    pub expires: Timestamp,
}

/// Makes a token that admits `node` once. To let one that is in run more than it may is loosening.
pub async fn create_token(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    node: NodeName,
    clearance: Clearance,
    addresses: Vec<IpAddr>,
    lifetime: Duration,
) -> Result<NewToken, Denied> {
    check_levels(ca, &clearance)?;
    let secret = JoinSecret::from_random(dice::random()?);
    let (secret_hash, clock, name) = (TokenHash::of(secret.as_bytes()), ca.now(), node.clone());
    let office = Arc::clone(ca);
    let created = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        let may_loosen = check_class(tx, &office, &by, &name, &clearance)?;
        let expires = now.plus(lifetime);
        let detail = format!("clearance `{clearance}`, until {expires}");
        tx.insert_token(&TokenRecord {
            secret_hash,
            node: name.clone(),
            clearance,
            may_loosen,
            addresses,
            expires,
            used_by: None,
        })?;
        let (actor, subject) = (Actor::Operator(by.operator().clone()), name.to_string());
        let (action, outcome) = (Action::CreateToken, Outcome::Done);
        tx.audit(&AuditRecord { at: now, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(expires)
    });
    let expires = created.await?;
    let (ca_addresses, bundle) = (ca.settings.addresses.clone(), ca.authority.bundle().clone());
    Ok(NewToken { token: JoinToken { secret, node, ca_addresses, bundle }, expires })
}

/// A clearance at a level that the mesh does not have would allow nothing, and nobody would know why.
fn check_levels(ca: &Ca, clearance: &Clearance) -> Result<(), Denied> {
    let policy = ca.known.policy();
    let unknown = |label: &&Label| policy.levels().named(&label.level).is_none();
    let mut labels = std::iter::once(&clearance.ceiling).chain(&clearance.floor);
    labels.find(unknown).map_or(Ok(()), |label| Err(Denied::UnknownLevel { level: label.level.clone() }))
}

/// Passes for a clearance that lets the node run no more than it may already, and else for who may loosen. Whether this one
/// may loosen: by the time at which the node comes in it may run less.
fn check_class(
    now: &Snapshot<'_>,
    ca: &Ca,
    by: &By<Ordinary>,
    node: &NodeName,
    clearance: &Clearance,
) -> Result<bool, Denied> {
    let loosening = by.also::<Loosening>();
    let may_loosen = loosening.is_ok();
    if wider(now, ca, node, clearance)?.is_some() {
        loosening?;
    }
    Ok(may_loosen)
}

/// Passes for a clearance that lets the node run no more than it may already.
pub(crate) fn check_within(now: &Snapshot<'_>, ca: &Ca, node: &NodeName, said: &Clearance) -> Result<(), StoreError> {
    wider(now, ca, node, said)?.map_or(Ok(()), |wider| Err(wider.into()))
}

/// What is to be said of a clearance that lets the node run more than it may already.
fn wider(now: &Snapshot<'_>, ca: &Ca, node: &NodeName, said: &Clearance) -> Result<Option<NodeRefusal>, StoreError> {
    let policy = ca.known.policy();
    let known = now.node(node)?.filter(|known| !said.is_within(&known.clearance, policy.levels()));
    let (node, said) = (node.clone(), Box::new(said.clone()));
    Ok(known.map(|known| NodeRefusal::Wider { node, known: Box::new(known.clearance), said }))
}

/// Lets a node of a cluster in once it proves to be one; until when. To let one that is in run more than it may is loosening.
pub async fn order_node(
    ca: &Arc<Ca>,
    by: By<Ordinary>,
    node: NodeName,
    clearance: Clearance,
    lifetime: Duration,
) -> Result<Timestamp, Denied> {
    check_levels(ca, &clearance)?;
    let (office, clock) = (Arc::clone(ca), ca.now());
    let ordered = ca.store.write(Lane::Ordinary, move |tx| {
        let at = tx.now(clock)?;
        let may_loosen = check_class(tx, &office, &by, &node, &clearance)?;
        let order = NodeOrder { node, clearance, may_loosen, expires: at.plus(lifetime) };
        tx.order_node(&order)?;
        let (actor, subject) = (Actor::Operator(by.operator().clone()), order.node.to_string());
        let detail = format!("clearance `{}`, until {}", order.clearance, order.expires);
        let (action, outcome) = (Action::OrderNode, Outcome::Done);
        tx.audit(&AuditRecord { at, actor, action, subject, detail, outcome })?;
        Ok::<_, Denied>(order.expires)
    });
    ordered.await
}

/// Turns a token and a request into a node's first certificate.
///
/// A stranger who guesses is answered from a read and leaves nothing on the disk.
pub async fn join(ca: &Arc<Ca>, secret: &JoinSecret, csr: Vec<u8>) -> Result<Certificate, Denied> {
    let hash = TokenHash::of(secret.as_bytes());
    let known = ca.store.read(move |now| now.token(&hash)).await?;
    let node = known.ok_or_else(|| Denied::Store(TokenRefusal::Unknown.into()))?.node;
    let id = Purpose::Node(node.clone()).id(ca.authority.trust_domain())?;
    let key = csr::read(&csr, &id)?;
    let (office, clock, serial) = (Arc::clone(ca), ca.now(), Serial::from_random(dice::random()?));
    let joined = ca.store.write(Lane::Ordinary, move |tx| {
        let now = tx.now(clock)?;
        let taken = tx.take_token(&hash, key.digest(), now)?;
        let TokenRecord { node, clearance, may_loosen, addresses, .. } = taken.token;
        if !may_loosen && !taken.again {
            check_within(tx, &office, &node, &clearance)?;
        }
        let (key_digest, may_rekey) = (key.digest(), !taken.again);
        let admission = Admission {
            node,
            clearance,
            is_ordered: true,
            addresses,
            key: key_digest,
            at: now,
            may_rekey,
            cluster_uid: None,
        };
        let life = tx.admit(&admission)?.life;
        let certificate = sign_node(tx, &office, &life, key, serial, now)?;
        tx.audit(&node_record(Actor::Token(life.node.clone()), Action::AdmitNode, &life, &certificate, now))?;
        Ok::<_, Denied>(certificate)
    });
    joined.await
}
