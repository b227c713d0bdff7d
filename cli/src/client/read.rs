//! Fields that several messages have.

use std::str::FromStr;

use bulkhead_mesh::Serial;
use bulkhead_protocol::convert::{ConvertError, read_bytes};
use bulkhead_protocol::v1;

use crate::record::{Moment, Position, Word};

/// The serial of a certificate; no bytes mean that there is none.
pub(super) fn serial(field: &'static str, bytes: &[u8]) -> Result<Option<Serial>, ConvertError> {
    if bytes.is_empty() { Ok(None) } else { read_bytes(field, bytes).map(Serial::from_bytes).map(Some) }
}

/// When a certificate ends; zero means that there is none.
pub(super) fn expires(millis: u64) -> Option<Moment> {
    (millis != 0).then(|| Moment::from_millis(millis))
}

/// A place among the mesh facts that must be said.
pub(super) fn position(field: &'static str, position: Option<v1::Position>) -> Result<Position, ConvertError> {
    position.map(place).ok_or(ConvertError::Missing { field })
}

/// A place among the mesh facts.
pub(super) fn place(v1::Position { incarnation, n }: v1::Position) -> Position {
    Position { incarnation, n }
}

/// The name of a state.
pub(super) fn word(field: &'static str, text: &str) -> Result<Word, ConvertError> {
    Word::from_str(text).map_err(|problem| ConvertError::Text { field, problem: problem.to_string() })
}
