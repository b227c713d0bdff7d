//! Values that mean the same in every mesh: lists, address ranges, lengths of time.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::policy::{Period, Policy, PolicyError, Problem};
use crate::{Category, Label};

pub(super) fn categories(written: Option<&[String]>) -> Result<BTreeSet<Category>, Problem> {
    let Some(written) = written else { return Ok(BTreeSet::new()) };
    if written.is_empty() {
        return Err(Problem::Empty);
    }
    limit(written.len(), Label::MAX_CATEGORIES)?;
    written.iter().map(|text| Ok(text.parse()?)).collect()
}

pub(super) fn ports(written: Option<&[u16]>) -> Result<Option<Box<[u16]>>, PolicyError> {
    let at = |problem| PolicyError::at("ports", problem);
    let Some(written) = written else { return Ok(None) };
    limit(written.len(), Policy::MAX_PORTS).map_err(at)?;
    match written {
        [] => Err(at(Problem::Empty)),
        _ if written.contains(&0) => Err(at(Problem::PortZero)),
        _ => Ok(Some(written.iter().copied().collect::<BTreeSet<_>>().into_iter().collect())),
    }
}

pub(super) fn ranges(field: &str, written: &[String]) -> Result<Vec<IpNet>, PolicyError> {
    let at = |problem| PolicyError::at(field, problem);
    limit(written.len(), Policy::MAX_RANGES).map_err(at)?;
    written.iter().map(|text| range(text).map_err(at)).collect()
}

fn range(text: &str) -> Result<IpNet, Problem> {
    let range: IpNet = text.parse().map_err(|_| Problem::Range { text: text.into() })?;
    if range.trunc() != range {
        return Err(Problem::HostBits { text: text.into(), truncated: range.trunc().to_string() });
    }
    match range {
        // Addresses are compared without their IPv6 clothes, so such a range would silently match nothing.
        IpNet::V6(clothed) if clothed.prefix_len() >= 96 && clothed.addr().to_ipv4_mapped().is_some() => {
            Err(Problem::Mapped { text: text.into() })
        }
        _ => Ok(range),
    }
}

pub(super) fn period(text: &str, least: Period, most: Period) -> Result<Period, Problem> {
    let period = text.parse()?;
    if (least..=most).contains(&period) { Ok(period) } else { Err(Problem::OutOfRange { period, least, most }) }
}

pub(super) fn limit(count: usize, limit: usize) -> Result<(), Problem> {
    if count <= limit { Ok(()) } else { Err(Problem::TooMany { count, limit }) }
}
