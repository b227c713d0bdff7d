//! A share of places for each source address, so that no single one of them can hold all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many places each source address may hold at a time, and who holds any.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Mutex<Held>>);

/// One place of an address's share; given back when it is dropped.
#[derive(Debug)]
#[must_use = "the place is given back when this is dropped"]
pub struct Place {
    shares: Shares,
    source: Source,
}

/// The places that are taken. Who holds none has no entry, so this is no larger than what is held.
#[derive(Debug)]
struct Held {
    share: usize,
    places: HashMap<Source, usize>,
}

/// Whom an address counts for: an IPv4 address for itself, an IPv6 address for its /64, out of which a host may take as
/// many addresses as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source(IpAddr);

impl Shares {
    /// Each address may hold `share` places at a time.
    pub fn new(share: usize) -> Self {
        Self(Arc::new(Mutex::new(Held { share, places: HashMap::new() })))
    }

    /// A place for a caller from there; `None` when its address holds its share already.
    pub fn take(&self, address: IpAddr) -> Option<Place> {
        let source = Source::of(address);
        self.held().take(source).then(|| Place { shares: self.clone(), source })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shares.held().give_back(self.source);
    }
}

impl Held {
    fn take(&mut self, source: Source) -> bool {
        let held = self.places.get(&source).copied().unwrap_or_default();
        let is_free = held < self.share;
        if is_free {
            self.places.insert(source, held + 1);
        }
        is_free
    }

    fn give_back(&mut self, source: Source) {
        match self.places.get_mut(&source) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(self.places.remove(&source)),
        }
    }
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into()),
        }
    }
}

/// The first 64 bits of an IPv6 address (RFC 4291 2.5.4).
const NETWORK: u128 = u128::MAX << 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_for_its_host() {
        //     one                 another               one share
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
        check("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::c000:201", "192.0.2.1", false);
    }

    #[test]
    fn nobody_holds_more_than_a_share_and_others_have_theirs() {
        let shares = Shares::new(2);
        let _held = [shares.take(at("192.0.2.1")).unwrap(), shares.take(at("192.0.2.1")).unwrap()];
        assert!(shares.take(at("192.0.2.1")).is_none());
        assert!(shares.take(at("192.0.2.2")).is_some());
    }

    #[test]
    fn a_place_comes_back_when_it_is_dropped() {
        let shares = Shares::new(2);
        let (first, _second) = (shares.take(at("192.0.2.1")).unwrap(), shares.take(at("192.0.2.1")).unwrap());
        assert!(shares.take(at("192.0.2.1")).is_none());
        drop(first);
        let third = shares.take(at("192.0.2.1"));
        assert!(third.is_some() && shares.take(at("192.0.2.1")).is_none());
    }

    #[test]
    fn who_holds_nothing_is_forgotten() {
        let shares = Shares::new(1);
        let held = shares.take(at("192.0.2.1")).unwrap();
        assert!(shares.take(at("192.0.2.1")).is_none());
        drop(held);
        assert!(shares.held().places.is_empty());
        let nothing = Shares::new(0);
        assert!(nothing.take(at("192.0.2.1")).is_none() && nothing.held().places.is_empty());
    }

    fn check(one: &str, another: &str, together: bool) {
        assert_eq!(Source::of(at(one)) == Source::of(at(another)), together, "{one} and {another}");
    }

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }
}
