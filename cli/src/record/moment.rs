//! Points in time, as they are told.

use std::fmt;

use bulkhead_mesh::Timestamp;
use serde::{Serialize, Serializer};

/// A point in time. In JSON it is RFC 3339 in UTC, always with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Timestamp);

impl Moment {
    /// The moment so many milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Timestamp::from_millis(millis))
    }
}

impl fmt::Display for Moment {
    /// Without milliseconds where there are none: certificates end on whole seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match text.strip_suffix(".000Z") {
            Some(whole) => write!(f, "{whole}Z"),
            None => f.write_str(&text),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_printed_where_there_are_some() {
        assert_eq!(Moment::from_millis(1_795_541_812_000).to_string(), "2026-11-24T17:36:52Z");
        assert_eq!(Moment::from_millis(1_795_541_812_040).to_string(), "2026-11-24T17:36:52.040Z");
    }
}
