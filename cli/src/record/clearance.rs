//! What a node may run.

use std::fmt;
use std::str::FromStr;

use bulkhead_mesh::{Label, ParseLabelError};
use serde::{Serialize, Serializer};

/// The labels that a node's workloads may have: written `confidential:pci`, or `internal..confidential:pci` where they
/// must be no lower than the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    floor: Option<Label>,
    ceiling: Label,
}

impl FromStr for Clearance {
    type Err = ParseLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("..") {
            Some((floor, ceiling)) => Ok(Self { floor: Some(floor.parse()?), ceiling: ceiling.parse()? }),
            None => Ok(Self { floor: None, ceiling: text.parse()? }),
        }
    }
}

impl fmt::Display for Clearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.floor {
            Some(floor) => write!(f, "{floor}..{}", self.ceiling),
            None => self.ceiling.fmt(f),
        }
    }
}

impl Serialize for Clearance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clearance_is_printed_as_it_was_read() {
        for text in ["internal", "confidential:pci", "internal..confidential:pci", "public:eu..restricted:eu,pci"] {
            assert_eq!(text.parse::<Clearance>().unwrap().to_string(), text);
        }
        for text in ["", "..", "internal..", "..internal", "internal...restricted", "a..b..c"] {
            assert!(text.parse::<Clearance>().is_err(), "{text:?} was accepted");
        }
    }
}
