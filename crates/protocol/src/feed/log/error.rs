//! Why a fact does not belong into a log.

use crate::convert::StatementError;
use crate::feed::Position;

/// Why a fact does not belong into a log.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LogError {
    #[error("the log stands at {head}; a fact at {found} cannot follow")]
    Order { head: Position, found: Position },
    #[error("the log ends at {head}, yet the store has a fact at {found}")]
    BeyondHead { head: Position, found: Position },
    #[error("the fact at {position} cannot be read")]
    Statement { position: Position, source: StatementError },
}
