//! The CA's Admin service, in the words of [`crate::record`]: the one place of this crate that knows protobuf.

mod connect;
mod error;
mod nodes;
mod policy;
mod read;
mod services;
mod status;
mod tokens;
mod workloads;

use std::future::Future;
use std::time::Duration;

use bulkhead_protocol::v1::admin_client::AdminClient;
use tonic::transport::Channel;
use tonic::{Response, Status};

pub use error::ClientError;
pub use services::NewService;
pub use tokens::NewToken;
pub use workloads::NewWorkload;

/// A connection to the CA.
#[derive(Debug)]
pub struct Client {
    admin: AdminClient<Channel>,
}

/// Waits for an answer, for as long as any answer may take.
async fn ask<Answer>(call: impl Future<Output = Result<Response<Answer>, Status>>) -> Result<Answer, ClientError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(_) => Err(ClientError::Silent { limit: PATIENCE }),
    }
}

/// A transaction takes milliseconds; behind a long queue of others, seconds.
const PATIENCE: Duration = Duration::from_secs(15);
