//! Where in the history of mesh facts somebody stands.

use std::fmt;

use crate::v1;

/// Which history of facts: a CA restored from a backup begins another one, with a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(u64);

impl Incarnation {
    /// The history with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A point in the history of facts. A position of a later incarnation is later than all of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The history.
    pub incarnation: Incarnation,
    /// How many facts that history has had; 0 before the first.
    pub n: u64,
}

impl Position {
    /// Before the first fact of a history.
    pub const fn start(incarnation: Incarnation) -> Self {
        Self { incarnation, n: 0 }
    }

    /// The position after one more fact; `None` after 2^64 - 1 of them.
    pub fn next(self) -> Option<Self> {
        self.n.checked_add(1).map(|n| Self { n, ..self })
    }

    /// Whether `other` is exactly one fact later.
    pub fn precedes(self, other: Self) -> bool {
        self.next() == Some(other)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of history {}", self.n, self.incarnation.0)
    }
}

impl From<v1::Position> for Position {
    fn from(v1::Position { incarnation, n }: v1::Position) -> Self {
        Self { incarnation: Incarnation(incarnation), n }
    }
}

impl From<Position> for v1::Position {
    fn from(Position { incarnation, n }: Position) -> Self {
        Self { incarnation: incarnation.0, n }
    }
}

/// A message says no position where it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` names no position")]
pub struct MissingPosition {
    /// The field.
    pub field: &'static str,
}

impl MissingPosition {
    /// The position that `field` must have.
    pub fn check(field: &'static str, position: Option<v1::Position>) -> Result<Position, Self> {
        position.map(Position::from).ok_or(Self { field })
    }
}
