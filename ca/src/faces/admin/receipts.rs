//! A receipt as it grows: a message at each change, the last one when nobody is silent or the wait is over.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::{Subject, Timestamp};
use bulkhead_protocol::feed::{Position, Statement};
use bulkhead_protocol::v1;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use crate::ca::Ca;
use crate::caller::{By, Reading};
use crate::denied::Denied;
use crate::fanout::store_position;
use crate::receipt::{Receipt, Revoked};
use crate::store::StoreError;

type Receipts = Pin<Box<dyn Stream<Item = Result<v1::Receipt, Status>> + Send>>;

pub(super) async fn watch(ca: &Arc<Ca>, _: By<Reading>, request: v1::WatchReceiptRequest) -> Result<Receipts, Denied> {
    let missing = bulkhead_protocol::convert::ConvertError::Missing { field: "position" };
    let position = Position::from(request.position.ok_or(missing)?);
    let revoked = find(ca, position).await?;
    let until = Instant::now() + Duration::from_millis(request.wait_millis.into()).min(LONGEST_WAIT);
    let (sender, receiver) = mpsc::channel(1);
    let mut task = JoinSet::new();
    task.spawn(follow(Arc::clone(ca), revoked, until, sender));
    // The task lives as long as the stream that it feeds.
    Ok(Box::pin(ReceiverStream::new(receiver).map(move |receipt| {
        let _owned = &task;
        receipt
    })))
}

/// The revocation at a position, as the record of its fact says it.
#[derive(Debug)]
struct Found {
    life: bulkhead_mesh::NodeEpoch,
    position: Position,
    at: Timestamp,
    last_not_after: Timestamp,
}

async fn find(ca: &Arc<Ca>, position: Position) -> Result<Found, Denied> {
    let unknown = || Denied::NoSuchFact { incarnation: position.incarnation.number(), n: position.n };
    let before = position.n.checked_sub(1).ok_or_else(unknown)?;
    let after = store_position(Position { n: before, ..position });
    let record = ca
        .store
        .read(move |now| Ok::<_, StoreError>(now.facts_since(after)?.and_then(|facts| facts.into_iter().next())))
        .await?;
    let Statement::Cutoff(cutoff) = ca.fanout.read(record.ok_or_else(unknown)?)? else { return Err(unknown()) };
    let Subject::Node { node, epoch } = cutoff.subject else { return Err(unknown()) };
    let name = node.clone();
    let record = ca.store.read(move |now| now.node(&name)).await?.ok_or_else(unknown)?;
    let crate::store::NodeState::Revoked { at, .. } = record.state else { return Err(unknown()) };
    Ok(Found { life: bulkhead_mesh::NodeEpoch { node, epoch }, position, at, last_not_after: cutoff.bound })
}

async fn follow(ca: Arc<Ca>, revoked: Found, until: Instant, receipts: mpsc::Sender<Result<v1::Receipt, Status>>) {
    let (mut said, mut committed) = (ca.fanout.acknowledgements.watch(), ca.store.watch());
    let mut last = None;
    loop {
        let receipt = match count(&ca, &revoked).await {
            Ok(receipt) => receipt,
            Err(denied) => return drop(receipts.send(Err(denied.into())).await),
        };
        let over = receipt.is_complete() || Instant::now() >= until;
        if (over || last.as_ref() != Some(&receipt)) && receipts.send(Ok(message(&receipt, over))).await.is_err() {
            return;
        }
        if over {
            return;
        }
        last = Some(receipt);
        tokio::select! {
            _ = said.changed() => {}
            // Who is silent may be removed, or revoked itself.
            _ = committed.changed() => {}
            () = sleep_until(until) => {}
            () = ca.stop.stopped() => return,
        }
    }
}

async fn count(ca: &Ca, found: &Found) -> Result<Receipt, Denied> {
    let living = ca.store.read(|now| Ok::<_, Denied>(now.living_instances()?)).await?;
    let revoked =
        Revoked { life: &found.life, position: found.position, at: found.at, last_not_after: found.last_not_after };
    Ok(Receipt::count(&revoked, &living, &ca.fanout.acknowledgements, &ca.known.policy()))
}

fn message(receipt: &Receipt, complete: bool) -> v1::Receipt {
    let silent = receipt.silent.iter().map(|silent| v1::Silent {
        instance: silent.instance.id.as_bytes().to_vec(),
        id: silent.instance.workload.to_string(),
        node: silent.instance.node.node.to_string(),
        exposed_until_millis: silent.exposed_until.as_millis(),
    });
    v1::Receipt {
        expected: u32::try_from(receipt.expected).unwrap_or(u32::MAX),
        enforced: u32::try_from(receipt.enforced).unwrap_or(u32::MAX),
        elapsed_millis: u64::try_from(receipt.elapsed.as_millis()).unwrap_or(u64::MAX),
        connections_closed: receipt.connections_closed,
        silent: silent.collect(),
        complete,
    }
}

const LONGEST_WAIT: Duration = Duration::from_hours(1);
