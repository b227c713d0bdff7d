//! Admin: what operators command. The class of each call stands in the signature of the function that carries it out.

mod read;
mod receipts;
mod write;

use std::pin::Pin;
use std::sync::Arc;

use bulkhead_protocol::v1::admin_server::Admin;
use bulkhead_protocol::v1::{self, Receipt};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::answer;
use crate::ca::Ca;
use crate::caller::class::Class;
use crate::caller::{By, Caller, Operator};
use crate::denied::Denied;
use crate::metrics::Call;

/// Serves Admin, behind the layer for [`Operator`].
#[derive(Clone, Debug)]
pub struct AdminFace(pub Arc<Ca>);

/// Declares calls that answer once: `name: Request => Reply by function`. The function's first argument after the CA is
/// the caller in the class that the call needs.
macro_rules! calls {
    ($($name:ident: $request:ident => $reply:ident by $carry_out:path;)*) => {
        #[tonic::async_trait]
        impl Admin for AdminFace {
            type WatchReceiptStream = Pin<Box<dyn Stream<Item = Result<Receipt, Status>> + Send>>;

            $(async fn $name(&self, request: Request<v1::$request>) -> Result<Response<v1::$reply>, Status> {
                let caller = Caller::of(&request)?;
                let work = async { $carry_out(&self.0, allowed(caller)?, request.into_inner()).await };
                answer(&self.0, Call::Admin, work).await
            })*

            async fn watch_receipt(
                &self,
                request: Request<v1::WatchReceiptRequest>,
            ) -> Result<Response<Self::WatchReceiptStream>, Status> {
                let caller = Caller::of(&request)?;
                let work = async { receipts::watch(&self.0, allowed(caller)?, request.into_inner()).await };
                answer(&self.0, Call::Admin, work).await
            }
        }
    };
}

calls! {
    list_nodes: ListNodesRequest => ListNodesReply by read::list_nodes;
    list_workloads: ListWorkloadsRequest => ListWorkloadsReply by read::list_workloads;
    list_services: ListServicesRequest => ListServicesReply by read::list_services;
    show_policy: ShowPolicyRequest => ShowPolicyReply by read::show_policy;
    status: StatusRequest => StatusReply by read::status;
    admit_node: AdmitNodeRequest => AdmitNodeReply by write::admit_node;
    revoke_node: RevokeNodeRequest => Revocation by write::revoke_node;
    create_token: CreateTokenRequest => CreateTokenReply by write::create_token;
    register_workload: RegisterWorkloadRequest => Registration by write::register_workload;
    remove_workload: RemoveWorkloadRequest => RemoveWorkloadReply by write::remove_workload;
    create_service: CreateServiceRequest => ServiceRecord by write::create_service;
    apply_policy: ApplyPolicyRequest => ApplyPolicyReply by write::apply_policy;
}

fn allowed<C: Class>(caller: Caller<Operator>) -> Result<By<C>, Denied> {
    Ok(By::try_from(caller)?)
}
