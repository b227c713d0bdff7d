//! The first packets of a run.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use bulkhead_lab::capture::{Capture, Packet};

use super::MARKER;
use crate::arm::{Ends, Protection};
use crate::arms::BETWEEN_PORT;
use crate::result::Proof;

/// What was seen between the two pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The packets, whatever they show: a run that fails by them is told apart from others by what they were.
    pub proof: Proof,
    /// What is wrong with them, if they are not what the arm must show.
    pub verdict: Result<(), String>,
}

/// What was seen between the two pods, and whether it is what an arm with this protection must show.
pub fn look(capture: &Capture, ends: &Ends, protection: Protection) -> Seen {
    let path = Path { client: ends.client.ipv4().into(), server: ends.server.ipv4().into(), service: ends.service };
    let packets: Vec<&Packet> = capture.packets().iter().filter(|packet| path.has(packet)).collect();
    let legible = capture.payload_contains(MARKER);
    judge(&packets, legible, &path, protection)
}

/// Between whom packets are looked at.
struct Path {
    client: IpAddr,
    server: IpAddr,
    service: SocketAddr,
}

impl Path {
    fn has(&self, packet: &Packet) -> bool {
        packet.tcp.is_some() && packet.is_between(self.client, self.server)
    }

    /// Whether it goes to or from the server's proxy.
    fn is_captured(&self, packet: &Packet) -> bool {
        is_at(packet, SocketAddr::new(self.server, BETWEEN_PORT))
    }
}

fn is_at(packet: &Packet, end: SocketAddr) -> bool {
    packet.from == end || packet.to == end
}

fn judge(packets: &[&Packet], legible: bool, path: &Path, protection: Protection) -> Seen {
    let proof = Proof {
        packets: packets.len(),
        captured: packets.iter().filter(|packet| path.is_captured(packet)).count(),
        legible,
        tls_records: packets.iter().filter(|packet| begins_record(&packet.payload)).count(),
        begun_without_tls: not_begun_by_tls(packets).count(),
    };
    let verdict = match protection {
        _ if packets.is_empty() => Err("no packet went from pod to pod".to_owned()),
        Protection::None => in_clear(packets, &proof, path),
        Protection::Relayed => captured(packets, path).and_then(|()| seen(&proof)),
        Protection::MutualTls => captured(packets, path).and_then(|()| encrypted(packets, &proof)),
    };
    Seen { proof, verdict }
}

fn in_clear(packets: &[&Packet], proof: &Proof, path: &Path) -> Result<(), String> {
    match packets.iter().find(|packet| !is_at(packet, path.service)) {
        Some(packet) => Err(format!("a packet from {} to {} was not the application's", packet.from, packet.to)),
        None => seen(proof),
    }
}

/// An arm in clear must show its text: otherwise nobody knows whether it could have been seen elsewhere.
fn seen(proof: &Proof) -> Result<(), String> {
    if proof.legible { Ok(()) } else { Err("the application's text was not seen, though nothing hides it".to_owned()) }
}

fn captured(packets: &[&Packet], path: &Path) -> Result<(), String> {
    let past: Vec<_> = packets.iter().filter(|packet| !path.is_captured(packet)).collect();
    let Some(first) = past.first() else { return Ok(()) };
    Err(format!(
        "{} of {} packets went past the proxies, the first from {} to {}",
        past.len(),
        packets.len(),
        first.from,
        first.to
    ))
}

fn encrypted(packets: &[&Packet], proof: &Proof) -> Result<(), String> {
    if proof.legible {
        return Err("the application's text was legible on the wire".to_owned());
    }
    if let Some(first) = not_begun_by_tls(packets).next() {
        return Err(format!(
            "the connection from {} to {} did not begin with a handshake of TLS",
            first.from, first.to
        ));
    }
    if proof.tls_records == 0 {
        return Err("no packet began with a record of TLS".to_owned());
    }
    Ok(())
}

/// The first payloads of connections whose opening was seen, where they are no handshake.
fn not_begun_by_tls<'a>(packets: &[&'a Packet]) -> impl Iterator<Item = &'a Packet> {
    let mut opened: HashMap<(SocketAddr, SocketAddr), u32> = HashMap::new();
    packets.iter().copied().filter(move |packet| {
        let (Some(segment), ends) = (packet.tcp, (packet.from, packet.to)) else { return false };
        if segment.syn {
            opened.insert(ends, segment.sequence.wrapping_add(1));
            return false;
        }
        let first = !packet.payload.is_empty() && opened.get(&ends) == Some(&segment.sequence);
        first && !(begins_record(&packet.payload) && packet.payload[0] == HANDSHAKE)
    })
}

/// Type and legacy version of a record (RFC 8446, section 5.1).
fn begins_record(payload: &[u8]) -> bool {
    matches!(payload, [0x14..=0x17, 3, 1..=3, ..])
}

const HANDSHAKE: u8 = 0x16;

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_lab::capture::Segment;
    use std::time::SystemTime;

    const CLIENT: &str = "10.77.1.2:40000";
    const PROXY: &str = "10.77.2.2:15008";
    const SERVICE: &str = "10.77.2.2:8080";
    const HELLO: &[u8] = &[0x16, 3, 1, 1, 0];
    const DATA: &[u8] = &[0x17, 3, 3, 0, 99];

    fn packet(from: &str, to: &str, sequence: u32, payload: &[u8]) -> Packet {
        let tcp = Segment { syn: payload.is_empty(), ack: true, fin: false, rst: false, sequence };
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        Packet { at: SystemTime::UNIX_EPOCH, from, to, tcp: Some(tcp), payload: payload.to_owned() }
    }

    fn check(packets: &[Packet], legible: bool, protection: Protection, problem: &str) {
        let (client, server): (SocketAddr, SocketAddr) = (CLIENT.parse().unwrap(), PROXY.parse().unwrap());
        let path = Path { client: client.ip(), server: server.ip(), service: SERVICE.parse().unwrap() };
        let said =
            judge(&packets.iter().collect::<Vec<_>>(), legible, &path, protection).verdict.err().unwrap_or_default();
        assert!(said.contains(problem) && said.is_empty() == problem.is_empty(), "{said:?} is not {problem:?}");
    }

    #[test]
    fn encryption_is_believed_only_when_it_is_seen() {
        let begun = [packet(CLIENT, PROXY, 9, b""), packet(CLIENT, PROXY, 10, HELLO), packet(PROXY, CLIENT, 70, DATA)];
        let midway = [packet(PROXY, CLIENT, 70, b"\x99noise"), packet(PROXY, CLIENT, 90, DATA)];
        let past = [begun[1].clone(), packet(CLIENT, SERVICE, 10, DATA)];
        let plain = [packet(CLIENT, PROXY, 9, b""), packet(CLIENT, PROXY, 10, b"GET /")];
        for (packets, legible, problem) in [
            (&begun[..], false, ""),
            (&midway[..], false, ""),
            (&begun[..], true, "legible"),
            (&past[..], false, "1 of 2 packets went past"),
            (&plain[..], false, "did not begin with a handshake"),
            (&midway[..1], false, "no packet began with a record"),
            (&[], false, "no packet went"),
        ] {
            check(packets, legible, Protection::MutualTls, problem);
        }
    }

    #[test]
    fn arms_in_clear_must_show_their_text_on_their_way() {
        let (direct, relayed) = ([packet(CLIENT, SERVICE, 9, b"a")], [packet(PROXY, CLIENT, 9, b"a")]);
        check(&direct, true, Protection::None, "");
        check(&direct, false, Protection::None, "not seen");
        check(&relayed, true, Protection::None, "not the application's");
        check(&relayed, true, Protection::Relayed, "");
        check(&relayed, false, Protection::Relayed, "not seen");
        check(&direct, true, Protection::Relayed, "past the proxies");
    }
}
