//! The two pods of an arm, with the kernel's parameters that all arms share.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use bulkhead_lab::Host;

use super::APPLICATION_PORT;
use crate::arm::{ArmName, Ends};

/// Makes the pods of this arm on the two hosts; [`prepare`] is to follow.
pub fn ends(one: &Host, two: &Host, name: &ArmName) -> Result<Ends> {
    let (client, server) = (one.pod(&name.0)?, two.pod(&name.0)?);
    let service = (server.ipv4(), APPLICATION_PORT).into();
    Ok(Ends { client, server, service })
}

/// Sets the kernel's parameters of a pod: the same for every arm. To be called when its traffic is captured: some are
/// there only then.
pub fn prepare(pod: &Host) -> Result<()> {
    for (name, value) in PARAMETERS {
        // Some kernels show not all of them in the namespaces of ordinary users, and those are the same for all.
        if pod.inside(|| path(name).exists())? {
            pod.set_sysctl(name, value)?;
        }
    }
    if pod.set_sysctl(CONGESTION_CONTROL, PINNED).is_err() {
        let _allowed = Allowed::everywhere();
        // Where nobody may allow it, every pod has what the machine has, and `congestion_controls` says so.
        let _ = pod.set_sysctl(CONGESTION_CONTROL, PINNED);
    }
    Ok(())
}

/// The congestion control of a pod's connections.
pub fn congestion_control(pod: &Host) -> Result<String> {
    let read = pod.inside(|| fs::read_to_string(path(CONGESTION_CONTROL)))?;
    Ok(read.with_context(|| format!("cannot read {CONGESTION_CONTROL}"))?.trim().to_owned())
}

/// What the connections of some pods use, and what must be said of it.
pub struct CongestionControls {
    /// Its name, or the names where pods differ.
    pub found: String,
    /// One line for each that is not the pinned one.
    pub warnings: Vec<String>,
}

/// Asks each of these pods.
pub fn congestion_controls<'a>(pods: impl IntoIterator<Item = &'a Host>) -> Result<CongestionControls> {
    let found = pods.into_iter().map(congestion_control).collect::<Result<BTreeSet<_>>>()?;
    let warnings = found.iter().filter_map(|name| not_pinned(name)).collect();
    Ok(CongestionControls { found: Vec::from_iter(found).join(" and "), warnings })
}

fn not_pinned(found: &str) -> Option<String> {
    let way_out =
        format!("an administrator types: sysctl -w net.ipv4.tcp_allowed_congestion_control=\"reno {found} {PINNED}\"");
    let line = format!("congestion control is {found}, for {PINNED} is not allowed here; {way_out}");
    (found != PINNED).then_some(line)
}

/// What is set in this pod, for the result.
pub(crate) fn described(pod: &Host) -> Result<String> {
    let read = |name| {
        let value = pod.inside(|| fs::read_to_string(path(name)))?;
        let value = value.map_or_else(|_| "the kernel's own".to_owned(), |value| value.trim().replace('\t', " "));
        Ok(format!("{name} = {value}\n"))
    };
    PARAMETERS.into_iter().map(|(name, _)| name).chain([CONGESTION_CONTROL]).map(read).collect()
}

fn path(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name.replace('.', "/"))
}

/// A namespace may only choose what the machine allows to everybody; while this lives, the machine allows ours too.
struct Allowed {
    before: Option<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Allowed {
    fn everywhere() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fs::read_to_string(path(ALLOWED)).ok();
        let before = before.filter(|before| fs::write(path(ALLOWED), format!("{} {PINNED}", before.trim())).is_ok());
        Self { before, _alone: alone }
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It was written a moment ago, and it is only as wide as the machine's own set of algorithms.
            let _ = fs::write(path(ALLOWED), before.trim());
        }
    }
}

const PARAMETERS: [(&str, &str); 6] = [
    // Connections by the thousand a second, each with a port that rests for a minute; not those of servers.
    ("net.ipv4.ip_local_reserved_ports", "8080,15001,15006,15008,15010,15021"),
    ("net.ipv4.ip_local_port_range", "1024 65535"),
    ("net.ipv4.tcp_tw_reuse", "1"),
    // Ten thousand connections within a second or two.
    ("net.core.somaxconn", "16384"),
    ("net.ipv4.tcp_max_syn_backlog", "16384"),
    // A connection that has ended is tracked for 120 s by default: at some ten thousand of them a second the table of
    // 262,144 would be full before. Where nothing is captured, nothing is tracked.
    ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "10"),
];
const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";
const ALLOWED: &str = "net.ipv4.tcp_allowed_congestion_control";
/// What every connection of every arm uses.
pub const PINNED: &str = "cubic";
