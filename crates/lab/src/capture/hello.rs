//! Which group a TLS 1.3 server chose for the key exchange, read from its first flight (RFC 8446, 4.1.3 and 4.2.8).

/// What a TLS 1.3 server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The cipher suite; 0x1302 is TLS_AES_256_GCM_SHA384.
    pub cipher_suite: u16,
    /// The named group of its key share; 0x11ec is X25519MLKEM768.
    pub key_share: u16,
}

/// The named group of the key share in the ServerHello of a stream, as [`server_hello`] finds it.
pub fn server_hello_key_share(stream: &[u8]) -> Option<u16> {
    server_hello(stream).map(|hello| hello.key_share)
}

/// The ServerHello of a stream that a TLS server sent.
///
/// A HelloRetryRequest, which names a group and brings no share, is passed over. `None` if there is no ServerHello, it
/// is incomplete, or it has no key share, as in TLS 1.2.
pub fn server_hello(stream: &[u8]) -> Option<ServerHello> {
    let handshake = handshake_bytes(stream);
    let mut rest = Reader(&handshake);
    loop {
        let (kind, mut body) = (rest.number(1)?, rest.vector(3)?);
        if kind != SERVER_HELLO {
            return None; // Nothing else comes before it.
        }
        match read_server_hello(&mut body)? {
            Hello::Retry => {}
            Hello::Choice(choice) => return Some(choice),
        }
    }
}

enum Hello {
    Retry,
    Choice(ServerHello),
}

fn read_server_hello(body: &mut Reader) -> Option<Hello> {
    let _legacy_version = body.take(2)?;
    if body.take(32)? == RETRY_RANDOM {
        return Some(Hello::Retry);
    }
    let _session_id = body.vector(1)?;
    let cipher_suite = u16::try_from(body.number(2)?).ok()?;
    let _compression = body.take(1)?;
    let mut extensions = body.vector(2)?;
    loop {
        let (kind, mut data) = (extensions.number(2)?, extensions.vector(2)?);
        if kind == KEY_SHARE {
            let key_share = u16::try_from(data.number(2)?).ok()?;
            let share = data.vector(2)?;
            let choice = ServerHello { cipher_suite, key_share };
            return (!share.0.is_empty() && data.0.is_empty()).then_some(Hello::Choice(choice));
        }
    }
}

/// The contents of the handshake records up to the first record of another kind (change_cipher_spec apart, which a
/// middlebox-compatible server sends between) or the first incomplete one.
fn handshake_bytes(stream: &[u8]) -> Vec<u8> {
    let mut records = Reader(stream);
    let mut handshake = Vec::new();
    while let Some((kind, content)) = record(&mut records) {
        match kind {
            HANDSHAKE => handshake.extend_from_slice(content.0),
            CHANGE_CIPHER_SPEC => {}
            _ => break,
        }
    }
    handshake
}

fn record<'a>(records: &mut Reader<'a>) -> Option<(usize, Reader<'a>)> {
    let kind = records.number(1)?;
    let _legacy_version = records.take(2)?;
    Some((kind, records.vector(2)?))
}

/// Takes bytes from the front, or nothing if there are too few.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of one to three bytes.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// As many bytes as the number before them says.
    fn vector(&mut self, length_bytes: usize) -> Option<Self> {
        let length = self.number(length_bytes)?;
        self.take(length).map(Reader)
    }
}

const CHANGE_CIPHER_SPEC: usize = 20;
const HANDSHAKE: usize = 22;
const SERVER_HELLO: usize = 2;
const KEY_SHARE: usize = 51;
/// SHA-256 of "HelloRetryRequest": what makes a ServerHello one (RFC 8446, 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const X25519_MLKEM768: u16 = 0x11ec;
    const AES_256_GCM: u16 = 0x1302;

    fn vector(length_bytes: usize, content: &[u8]) -> Vec<u8> {
        [&content.len().to_be_bytes()[8 - length_bytes..], content].concat()
    }

    fn hello(random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
        let body = [&[3, 3][..], &random, &vector(1, &[7; 32]), &[0x13, 2, 0], &vector(2, extensions)].concat();
        [&[2][..], &vector(3, &body)].concat()
    }

    fn share(group: u16) -> Vec<u8> {
        let data = [&group.to_be_bytes()[..], &vector(2, &[9; 1120])].concat();
        [&[0, 43, 0, 2, 3, 4, 0, 51][..], &vector(2, &data)].concat()
    }

    fn in_records(kind: u8, content: &[u8], size: usize) -> Vec<u8> {
        content.chunks(size).flat_map(|part| [&[kind, 3, 3][..], &vector(2, part)].concat()).collect()
    }

    #[test]
    fn the_group_is_that_of_the_server_hello() {
        let real = hello([1; 32], &share(X25519_MLKEM768));
        let retry = hello(RETRY_RANDOM, &[0, 51, 0, 2, 0, 29]);
        let after_retry = [in_records(22, &retry, 500), in_records(20, &[1], 1), in_records(22, &real, 500)].concat();
        for (stream, group) in [
            (in_records(22, &real, 2000), Some(X25519_MLKEM768)),
            (in_records(22, &real, 11), Some(X25519_MLKEM768)),
            (after_retry, Some(X25519_MLKEM768)),
            (in_records(22, &retry, 2000), None),
            (in_records(22, &hello([1; 32], &[]), 2000), None),
            (in_records(22, &real[..real.len() - 1], 2000), None),
            (in_records(21, &real, 2000), None),
            (b"HTTP/1.1 200 OK\r\n".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(server_hello_key_share(&stream), group);
            assert!(server_hello(&stream).is_none_or(|hello| hello.cipher_suite == AES_256_GCM));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in any::<Vec<u8>>(), size in 1_usize..100) {
            server_hello_key_share(&bytes);
            server_hello_key_share(&in_records(22, &bytes, size));
            server_hello_key_share(&in_records(22, &hello([0; 32], &bytes), size));
        }

        #[test]
        fn a_flipped_byte_does_not_make_it_panic(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut stream = in_records(22, &hello([1; 32], &share(X25519_MLKEM768)), 400);
            let at = at.index(stream.len());
            stream[at] = to;
            server_hello_key_share(&stream);
        }
    }
}
