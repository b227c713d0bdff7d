//! What a pod's owner may wish for by annotation. Whatever is unknown or cannot be read is refused with a sentence: a wish
//! that is silently not granted is found out in the worst moment.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use bulkhead_mesh::Timestamp;
use bulkhead_mesh::probe::Probe;
use ipnet::IpNet;

use super::pod::PodView;
use super::quantity::Quantity;
use super::settings::{LogLevel, Settings};
use crate::names::{EXEMPT, GROUP, STATUS};

/// What a pod's annotations ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Ports of the pod that are reached directly, in clear.
    pub exclude_inbound_ports: BTreeSet<NonZeroU16>,
    /// Ports that the pod reaches directly, in clear.
    pub exclude_outbound_ports: BTreeSet<NonZeroU16>,
    /// Destinations that the pod reaches directly, in clear.
    pub exclude_outbound_cidrs: BTreeSet<IpNet>,
    /// Until when plaintext is let through in both directions, counted and logged.
    pub permissive_until: Option<Timestamp>,
    /// What the sidecar logs.
    pub log_level: Option<LogLevel>,
    /// Processor time that is kept for the sidecar.
    pub proxy_cpu_request: Option<Quantity>,
    /// Memory that is kept for the sidecar.
    pub proxy_memory_request: Option<Quantity>,
    /// The memory beyond which the sidecar is killed.
    pub proxy_memory_limit: Option<Quantity>,
    /// Containers whose owner knows that they could pass the sidecar by, or read its memory.
    pub exempt_containers: BTreeSet<String>,
}

/// A wish that cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnnotation {
    /// No such annotation.
    #[error("there is no annotation `{name}`; there are {known}", known = known().join(", "))]
    Unknown {
        /// What stands there.
        name: String,
    },
    /// Its text cannot be read.
    #[error("annotation `{name}`: {why}")]
    Text {
        /// Which one.
        name: &'static str,
        /// What is wrong with it, with the text.
        why: String,
    },
    /// A pod may not be permissive for ever.
    #[error("annotation `{PERMISSIVE}`: {until} is further away than the {days} days that this mesh allows")]
    TooLongPermissive {
        /// What was wished.
        until: Timestamp,
        /// How many days are allowed.
        days: u64,
    },
    /// A container that is not there.
    #[error("annotation `{EXEMPT}` names the container `{container}`, which is not in the pod")]
    NoSuchContainer {
        /// What was named.
        container: String,
    },
    /// What is inside the mesh may not be reached in clear.
    #[error(
        "annotation `{EXCLUDE_OUTBOUND_CIDRS}`: {range} has addresses of the mesh ({mesh}), which are reached by mTLS alone"
    )]
    InsideTheMesh {
        /// What was wished.
        range: IpNet,
        /// What it overlaps.
        mesh: IpNet,
    },
    /// Kubernetes would refuse the pod, in words about a container that its owner has not written.
    #[error("annotation `{MEMORY_LIMIT}`: {limit} is less than the {request} of `{MEMORY_REQUEST}`")]
    LimitBelowRequest {
        /// The wished limit.
        limit: Quantity,
        /// The wished request.
        request: Quantity,
    },
}

impl Wishes {
    /// What this pod wishes for.
    pub(super) fn read(pod: &PodView<'_>, settings: &Settings, now: Timestamp) -> Result<Self, BadAnnotation> {
        let mut wishes = Self::default();
        for (name, text) in pod.texts("/metadata/annotations") {
            if name != STATUS && name.split_once('/').is_some_and(|(group, _)| group == GROUP) {
                wishes.grant(name, text)?;
            }
        }
        wishes.check_permissive(settings, now)?;
        wishes.check_ranges(settings)?;
        wishes.check_memory()?;
        let is_there = |name: &&String| pod.containers().any(|container| container.name() == *name);
        match wishes.exempt_containers.iter().find(|name| !is_there(name)) {
            Some(container) => Err(BadAnnotation::NoSuchContainer { container: container.clone() }),
            None => Ok(wishes),
        }
    }

    fn grant(&mut self, name: &str, text: &str) -> Result<(), BadAnnotation> {
        match name {
            EXCLUDE_INBOUND_PORTS => self.exclude_inbound_ports = listed(EXCLUDE_INBOUND_PORTS, text, port)?,
            EXCLUDE_OUTBOUND_PORTS => self.exclude_outbound_ports = listed(EXCLUDE_OUTBOUND_PORTS, text, port)?,
            EXCLUDE_OUTBOUND_CIDRS => self.exclude_outbound_cidrs = listed(EXCLUDE_OUTBOUND_CIDRS, text, range)?,
            PERMISSIVE => self.permissive_until = Some(one(PERMISSIVE, text)?),
            LOG_LEVEL => self.log_level = Some(one(LOG_LEVEL, text)?),
            CPU_REQUEST => self.proxy_cpu_request = Some(one(CPU_REQUEST, text)?),
            MEMORY_REQUEST => self.proxy_memory_request = Some(bytes(MEMORY_REQUEST, text)?),
            MEMORY_LIMIT => self.proxy_memory_limit = Some(bytes(MEMORY_LIMIT, text)?),
            EXEMPT => self.exempt_containers = names(text)?,
            _ => return Err(BadAnnotation::Unknown { name: name.to_owned() }),
        }
        Ok(())
    }

    /// A date that has passed is no fault: the pod is strict, and a deployment whose date has passed must still be able to
    /// start pods.
    fn check_permissive(&mut self, settings: &Settings, now: Timestamp) -> Result<(), BadAnnotation> {
        let Some(until) = self.permissive_until else { return Ok(()) };
        if until.since(now) > settings.longest_permissive {
            let days = settings.longest_permissive.as_secs() / 86_400;
            return Err(BadAnnotation::TooLongPermissive { until, days });
        }
        self.permissive_until = (until > now).then_some(until);
        Ok(())
    }

    fn check_ranges(&self, settings: &Settings) -> Result<(), BadAnnotation> {
        let inside = |range: &IpNet| {
            let overlaps = |mesh: &&IpNet| mesh.contains(&range.network()) || range.contains(&mesh.network());
            Some((*range, *settings.mesh_cidrs.iter().find(overlaps)?))
        };
        match self.exclude_outbound_cidrs.iter().find_map(inside) {
            Some((range, mesh)) => Err(BadAnnotation::InsideTheMesh { range, mesh }),
            None => Ok(()),
        }
    }

    fn check_memory(&self) -> Result<(), BadAnnotation> {
        match (&self.proxy_memory_limit, &self.proxy_memory_request) {
            (Some(limit), Some(request)) if limit < request => {
                Err(BadAnnotation::LimitBelowRequest { limit: limit.clone(), request: request.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// The containers that a pod which runs already exempts.
pub(super) fn exempt_containers(pod: &PodView<'_>) -> Result<BTreeSet<String>, BadAnnotation> {
    let text = pod.texts("/metadata/annotations").find(|(name, _)| *name == EXEMPT);
    text.map_or_else(|| Ok(BTreeSet::new()), |(_, text)| names(text))
}

fn names(text: &str) -> Result<BTreeSet<String>, BadAnnotation> {
    listed(EXEMPT, text, |word| Ok(word.to_owned()))
}

fn one<T>(name: &'static str, text: &str) -> Result<T, BadAnnotation>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.trim().parse().map_err(|error: T::Err| BadAnnotation::Text { name, why: error.to_string() })
}

/// An amount of memory. `128m` is an eighth of a byte, and never what was meant.
fn bytes(name: &'static str, text: &str) -> Result<Quantity, BadAnnotation> {
    let amount: Quantity = one(name, text)?;
    if amount.is_whole() {
        return Ok(amount);
    }
    Err(BadAnnotation::Text {
        name,
        why: format!("`{amount}` is no whole number of bytes; megabytes are written `128Mi`"),
    })
}

/// Words with commas between, each once.
fn listed<T: Ord>(
    name: &'static str,
    text: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<BTreeSet<T>, BadAnnotation> {
    let words = text.split(',').map(str::trim);
    words.map(|word| read(word).map_err(|why| BadAnnotation::Text { name, why })).collect()
}

fn port(word: &str) -> Result<NonZeroU16, String> {
    match word.parse::<NonZeroU16>() {
        Ok(port) if Probe::RESERVED.contains(&port.get()) => {
            let (first, last) = (Probe::RESERVED.start(), Probe::RESERVED.end());
            Err(format!("port {port} is one of the sidecar's own ({first} to {last})"))
        }
        Ok(port) => Ok(port),
        Err(_) => Err(format!("`{word}` is no port from 1 to 65535")),
    }
}

fn range(word: &str) -> Result<IpNet, String> {
    let range: IpNet = word.parse().map_err(|_| format!("`{word}` is no range of addresses such as `192.0.2.0/24`"))?;
    if range.addr() == range.network() {
        Ok(range)
    } else {
        Err(format!("`{word}` has bits beyond its length; `{}` is the range", range.trunc()))
    }
}

/// Every annotation that may be wished by.
fn known() -> Vec<String> {
    KNOWN.iter().map(|name| format!("`{name}`")).collect()
}

const EXCLUDE_INBOUND_PORTS: &str = "bulkhead-mesh.dev/exclude-inbound-ports";
const EXCLUDE_OUTBOUND_PORTS: &str = "bulkhead-mesh.dev/exclude-outbound-ports";
const EXCLUDE_OUTBOUND_CIDRS: &str = "bulkhead-mesh.dev/exclude-outbound-cidrs";
const PERMISSIVE: &str = "bulkhead-mesh.dev/permissive-until";
const LOG_LEVEL: &str = "bulkhead-mesh.dev/log-level";
const CPU_REQUEST: &str = "bulkhead-mesh.dev/proxy-cpu-request";
const MEMORY_REQUEST: &str = "bulkhead-mesh.dev/proxy-memory-request";
const MEMORY_LIMIT: &str = "bulkhead-mesh.dev/proxy-memory-limit";

const KNOWN: [&str; 9] = [
    EXCLUDE_INBOUND_PORTS,
    EXCLUDE_OUTBOUND_PORTS,
    EXCLUDE_OUTBOUND_CIDRS,
    PERMISSIVE,
    LOG_LEVEL,
    CPU_REQUEST,
    MEMORY_REQUEST,
    MEMORY_LIMIT,
    EXEMPT,
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::injection::testing::settings;

    fn read(name: &str, text: &str) -> Result<Wishes, String> {
        let name = format!("{GROUP}/{name}");
        let pod = json!({"metadata": {"annotations": {name: text, "other.example/unknown": "x"}},
            "spec": {"containers": [{"name": "app"}, {"name": "debugger"}]}});
        let view = PodView::new(&pod).unwrap();
        Wishes::read(&view, &settings(), NOW.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wish_is_read_as_it_is_written() {
        let ports = |ports: &[u16]| ports.iter().map(|port| NonZeroU16::new(*port).unwrap()).collect();
        let none = Wishes::default;
        for (name, text, expected) in [
            ("exclude-inbound-ports", "9090", Wishes { exclude_inbound_ports: ports(&[9090]), ..none() }),
            ("exclude-outbound-ports", "443, 25", Wishes { exclude_outbound_ports: ports(&[25, 443]), ..none() }),
            (
                "exclude-outbound-cidrs",
                "192.0.2.0/24,2001:db8::/32",
                Wishes {
                    exclude_outbound_cidrs: ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap()).into(),
                    ..none()
                },
            ),
            (
                "permissive-until",
                "2026-12-24T00:00:00Z",
                Wishes { permissive_until: Some("2026-12-24T00:00:00Z".parse().unwrap()), ..none() },
            ),
            ("permissive-until", "2026-10-01T00:00:00Z", none()),
            ("log-level", "debug", Wishes { log_level: Some(LogLevel::Debug), ..none() }),
            ("proxy-memory-limit", "128Mi", Wishes { proxy_memory_limit: Some("128Mi".parse().unwrap()), ..none() }),
            (
                "exempt-containers",
                "app,debugger",
                Wishes { exempt_containers: ["app", "debugger"].map(str::to_owned).into(), ..none() },
            ),
        ] {
            assert_eq!(read(name, text), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_wish_that_cannot_be_granted_is_answered_with_a_sentence() {
        for (name, text, expected) in [
            (
                "exclude-inbound-port",
                "9090",
                "there is no annotation `bulkhead-mesh.dev/exclude-inbound-port`; there are",
            ),
            ("exclude-inbound-ports", "http", "`http` is no port from 1 to 65535"),
            ("exclude-inbound-ports", "", "`` is no port from 1 to 65535"),
            ("exclude-inbound-ports", "9090,15008", "port 15008 is one of the sidecar's own (15000 to 15099)"),
            ("exclude-outbound-cidrs", "192.0.2.1/24", "has bits beyond its length; `192.0.2.0/24` is the range"),
            ("exclude-outbound-cidrs", "everything", "is no range of addresses"),
            ("permissive-until", "tomorrow", "`tomorrow` is not a moment in UTC"),
            ("permissive-until", "2027-06-01T00:00:00Z", "is further away than the 90 days that this mesh allows"),
            ("log-level", "loud", "`loud` is not one of error, warn, info, debug, trace"),
            ("proxy-cpu-request", "much", "`much` is no amount"),
            ("exclude-outbound-cidrs", "0.0.0.0/0", "0.0.0.0/0 has addresses of the mesh (10.244.0.0/16)"),
            ("exclude-outbound-cidrs", "10.96.7.0/24", "10.96.7.0/24 has addresses of the mesh (10.96.0.0/16)"),
            ("proxy-memory-limit", "128m", "`128m` is no whole number of bytes"),
            ("exempt-containers", "web", "names the container `web`, which is not in the pod"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn a_limit_below_the_request_is_said_in_words_of_the_pods_owner() {
        let annotations = json!({
            "bulkhead-mesh.dev/proxy-memory-limit": "1Gi",
            "bulkhead-mesh.dev/proxy-memory-request": "2048Mi",
        });
        let pod = json!({"metadata": {"annotations": annotations}, "spec": {"containers": []}});
        let error = Wishes::read(&PodView::new(&pod).unwrap(), &settings(), NOW.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("1Gi is less than the 2048Mi of"), "{error}");
    }

    const NOW: &str = "2026-11-28T12:00:00Z";
}
