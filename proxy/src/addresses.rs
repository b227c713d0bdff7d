//! Which addresses are this workload's own, and whether a peer may have a target here.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bulkhead_daemon::clock::since_boot;
use nix::ifaddrs::getifaddrs;

/// The addresses of this network namespace's interfaces that peers may name.
#[derive(Debug)]
pub struct OwnAddresses {
    known: ArcSwap<HashSet<IpAddr>>,
    /// When they were last read, on the clock that never jumps; `None` when they are given and not read.
    read: Option<AtomicU64>,
}

impl OwnAddresses {
    /// Reads the interfaces now, and again when somebody asks and it is a second later.
    pub fn of_interfaces() -> io::Result<Self> {
        Ok(Self { known: ArcSwap::from_pointee(read()?), read: Some(AtomicU64::new(now())) })
    }

    /// These and no others.
    pub fn given(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { known: ArcSwap::from_pointee(addresses.into_iter().collect()), read: None }
    }

    /// Whether this is an own address that peers may name: never loopback, link-local, unspecified or multicast.
    ///
    /// The answer is up to a second old: only [`crate::socket::connect_here`] knows for sure, at the moment it connects.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.refresh();
        self.known.load().contains(&address)
    }

    /// All of them, those of IPv4 first; as old as the answer of [`OwnAddresses::contains`].
    pub fn all(&self) -> Vec<IpAddr> {
        self.refresh();
        let mut all: Vec<_> = self.known.load().iter().copied().collect();
        all.sort_unstable();
        all
    }

    /// Reads the interfaces again, at most once a second: an address that has come is served, and one that has left is
    /// looked up in the directory as anybody else's.
    fn refresh(&self) {
        let Some(last) = &self.read else { return };
        let (seen, now) = (last.load(Ordering::Relaxed), now());
        if now < seen + AT_MOST_EVERY.as_secs() {
            return;
        }
        // Whoever loses the race finds what the winner has read, or asks again in a second.
        if last.compare_exchange(seen, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        match read() {
            Ok(addresses) => self.known.store(Arc::new(addresses)),
            Err(error) => tracing::warn!(%error, "cannot read this workload's addresses"),
        }
    }
}

/// What the proxy keeps from its peers.
#[derive(Clone, Debug, Default)]
pub struct ClosedPorts(HashSet<u16>);

impl ClosedPorts {
    /// The proxy's own ports, and those that are excluded from the mesh.
    pub fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self(ports.into_iter().collect())
    }

    /// Whether the port is one of them.
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

/// Whether a peer that may reach this workload may reach this target of it.
pub fn check_target(target: SocketAddr, own: &OwnAddresses, closed: &ClosedPorts) -> Result<(), TargetError> {
    if target.port() == 0 || closed.contains(target.port()) {
        return Err(TargetError::Port { port: target.port() });
    }
    if own.contains(target.ip()) { Ok(()) } else { Err(TargetError::Address { address: target.ip() }) }
}

/// Why a target is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another machine, this one's loopback, or a link's own: the proxy is no way to these.
    #[error("{address} is not an address of this workload that peers may name")]
    Address {
        /// What was named.
        address: IpAddr,
    },
    /// It was this workload's, and another machine may have it by now.
    #[error("{address} is not an address of this host any more")]
    Gone {
        /// What was to be connected to.
        address: IpAddr,
    },
    /// The proxy's own port, or one that is excluded from the mesh.
    #[error("port {port} is not served to peers")]
    Port {
        /// What was named.
        port: u16,
    },
}

/// Whether an interface's address is one by which others know this workload.
fn may_be_named(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}

fn read() -> io::Result<HashSet<IpAddr>> {
    let addresses = getifaddrs()?.filter_map(|interface| interface.address);
    let addresses = addresses.filter_map(|address| {
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
    });
    Ok(addresses.filter(|address| may_be_named(*address)).collect())
}

fn now() -> u64 {
    since_boot().as_secs()
}

const AT_MOST_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_machine_alone_may_not_be_named() {
        for (address, may) in [
            ("10.9.0.2", true),
            ("2001:db8::2", true),
            ("127.0.0.1", false),
            ("127.7.7.7", false),
            ("::1", false),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(may_be_named(address.parse().unwrap()), may, "{address}");
        }
    }

    #[test]
    fn only_own_addresses_and_open_ports_are_targets() {
        let own = OwnAddresses::given(["10.9.0.2".parse().unwrap()]);
        let closed = ClosedPorts::new([15008]);
        let check = |target: &str| check_target(target.parse().unwrap(), &own, &closed).is_ok();
        assert!(check("10.9.0.2:5432"));
        for target in ["10.9.0.3:5432", "127.0.0.1:5432", "[::1]:5432", "10.9.0.2:15008", "10.9.0.2:0"] {
            assert!(!check(target), "{target}");
        }
    }

    #[test]
    fn an_address_that_has_left_is_not_own_a_second_later() {
        let left = IpAddr::from([192, 0, 2, 1]);
        let known = || ArcSwap::from_pointee(HashSet::from([left]));
        let lately = OwnAddresses { known: known(), read: Some(AtomicU64::new(now() + 60)) };
        assert!(lately.contains(left), "the interfaces are not read for each connection");
        let long_ago = OwnAddresses { known: known(), read: Some(AtomicU64::new(0)) };
        assert!(!long_ago.contains(left));
    }

    #[test]
    fn own_addresses_are_told_in_the_order_of_their_families() {
        let addresses = ["2001:db8::2", "10.9.0.3", "10.9.0.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let mut sorted = addresses;
        sorted.reverse();
        assert_eq!(OwnAddresses::given(addresses).all(), sorted);
    }

    #[test]
    fn interfaces_are_read_without_loopback() {
        let own = OwnAddresses::of_interfaces().unwrap();
        assert!(!own.contains("127.0.0.1".parse().unwrap()));
        assert!(!own.contains("::1".parse().unwrap()));
    }
}
