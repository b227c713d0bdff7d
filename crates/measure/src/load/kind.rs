//! What a connection is for, told by its first byte.
//!
//! The own protocols begin with a small letter, which no method of HTTP does (methods are case-sensitive, RFC 9110 section
//! 9.1); what begins with a capital letter is HTTP/1.1 or the preface of HTTP/2, and hyper tells these two apart.

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of the protocols of this module.
    Own(Own),
    /// HTTP/1.1, or HTTP/2 without TLS.
    Http,
}

/// The own protocols, each with its first byte. After it:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Own {
    /// Eight bytes that name the run, then bytes that are counted and dropped; after the client's end their number, in
    /// eight bytes.
    Up = b'u',
    /// Nothing; the server sends until the client ends its direction.
    Down = b'd',
    /// Anything; it comes back, until the client ends its direction.
    Echo = b'e',
    /// One message of 128 bytes; it comes back, and the server ends the connection.
    Once = b'o',
    /// Eight bytes that name a run of [`Own::Up`]; each further byte asks how many bytes all its connections have brought,
    /// and is answered in eight bytes.
    Ledger = b'l',
}

impl Kind {
    /// What begins with this byte, if anything.
    pub(super) fn of(first: u8) -> Option<Self> {
        let own = [Own::Up, Own::Down, Own::Echo, Own::Once, Own::Ledger].into_iter().find(|own| own.byte() == first);
        own.map(Self::Own).or(first.is_ascii_uppercase().then_some(Self::Http))
    }
}

impl Own {
    /// The first byte of a connection of this protocol.
    pub(super) const fn byte(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_says_what_a_connection_is_for() {
        for (first, kind) in [
            (b'u', Some(Kind::Own(Own::Up))),
            (b'd', Some(Kind::Own(Own::Down))),
            (b'e', Some(Kind::Own(Own::Echo))),
            (b'o', Some(Kind::Own(Own::Once))),
            (b'l', Some(Kind::Own(Own::Ledger))),
            (b'G', Some(Kind::Http)),
            (b'P', Some(Kind::Http)),
            (b'g', None),
            (b' ', None),
            (0x00, None),
            (0x16, None),
            (0xff, None),
        ] {
            assert_eq!(Kind::of(first), kind, "{first:#04x}");
        }
    }
}
