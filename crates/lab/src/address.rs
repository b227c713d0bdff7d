//! Who has which address on the bridge: a place decides them all, so that a capture can be read by eye.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A place at the bridge: node 3 itself is (3, 1), its first pod (3, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: u8,
    pub(crate) seat: u8,
}

impl Place {
    pub(crate) const fn ipv4(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.node, self.seat)
    }

    pub(crate) const fn ipv6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, self.node as u16, self.seat as u16)
    }

    /// A locally administered address (the second bit of the first byte), so that it meets no real device's.
    pub(crate) fn mac(self) -> String {
        [0x77, 0, 0, self.node, self.seat].iter().fold("02".to_owned(), |mut text, byte| {
            write!(text, ":{byte:02x}").expect("writing to a String cannot fail");
            text
        })
    }

    /// The name of the bridge's port to this place.
    pub(crate) fn port(self) -> String {
        format!("p{}.{}", self.node, self.seat)
    }
}

/// The default route of every host. Nobody is there: what is sent to it can be seen on the bridge, and is lost.
pub(crate) const GATEWAY: Place = Place { node: 0, seat: 1 };
/// The bridge's own, from which the end of a capture is marked.
pub(crate) const BRIDGE: Place = Place { node: 255, seat: 254 };
/// Where marks of a capture go. Nobody is there.
pub(crate) const NOBODY: Place = Place { node: 255, seat: 253 };
/// Hosts are numbered from 1 up to this.
pub(crate) const LAST: u8 = 250;
