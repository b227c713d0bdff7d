//! What the proxies agreed on, as their handshake shows it.

use bulkhead_lab::capture::{Capture, ServerHello, server_hello};

use crate::arm::{About, Ends};
use crate::arms::BETWEEN_PORT;

/// Whether the proxies agreed on what the arm says, in a capture of whole packets that has their handshake in it; else
/// what is wrong.
pub fn handshake(capture: &Capture, ends: &Ends, about: &About) -> Result<(), String> {
    let agreed = agreed(capture, ends).ok_or("the handshake of the proxies was not seen")?;
    for (what, said, found) in [
        ("cipher suite", &about.cipher_suite, cipher_suite(agreed.cipher_suite)),
        ("key exchange", &about.key_exchange, group(agreed.key_share)),
    ] {
        if said.as_deref() != Some(&found) {
            return Err(format!("the {what} is {found}, not {}", said.as_deref().unwrap_or("none")));
        }
    }
    Ok(())
}

/// The first ServerHello of the server's proxy to the client's.
pub(super) fn agreed(capture: &Capture, ends: &Ends) -> Option<ServerHello> {
    let (client, proxy) = (ends.client.ipv4(), (ends.server.ipv4(), BETWEEN_PORT).into());
    let streams = capture.streams();
    let mut answers = streams.iter().filter(|stream| stream.from == proxy && stream.to.ip() == client);
    answers.find_map(|stream| server_hello(&stream.bytes))
}

/// As RFC 8446 names it, appendix B.4.
fn cipher_suite(number: u16) -> String {
    match number {
        0x1301 => "TLS_AES_128_GCM_SHA256".to_owned(),
        0x1302 => "TLS_AES_256_GCM_SHA384".to_owned(),
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256".to_owned(),
        other => format!("{other:#06x}"),
    }
}

/// As IANA's list of supported groups names it.
fn group(number: u16) -> String {
    match number {
        0x0017 => "P-256".to_owned(),
        0x0018 => "P-384".to_owned(),
        0x001d => "X25519".to_owned(),
        0x11ec => "X25519MLKEM768".to_owned(),
        other => format!("{other:#06x}"),
    }
}
