//! `bulkhead status`: how the CA is.

use crate::session::Session;
use crate::{CliError, Exit};

/// Shows how the CA is.
pub async fn run(session: &Session) -> Result<Exit, CliError> {
    session.show(&session.client().await?.status().await?)?;
    Ok(Exit::Done)
}
