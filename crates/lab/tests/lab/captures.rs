//! What a capture shows, and that it shows all.

use std::fs;
use std::io::Write;
use std::time::SystemTime;

use bulkhead_lab::capture::{Capture, server_hello_key_share};
use bulkhead_lab::{Host, Lab, LabError, Process, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{DEADLINE, arrives, is_alive, lab, talk};

#[test]
fn a_capture_finds_what_was_sent_in_clear() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let recording = lab.capture().unwrap();
    let before = SystemTime::now();
    let (client, mut server) = talk(&one, &two);
    let text: Vec<u8> = (0..300_000_u32).flat_map(|number| (number ^ 0x5a5a_1234).to_be_bytes()).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| server.write_all(&text).unwrap());
        assert!(arrives(&client, &text, DEADLINE));
    });
    let (client_at, server_at) = (client.local_addr().unwrap(), server.local_addr().unwrap());
    drop((client, server));
    let capture = recording.stop().unwrap();

    let syns = capture.syns_between(one.ipv4(), two.ipv4());
    assert_eq!(
        syns.iter().map(|syn| (syn.from, syn.to)).collect::<Vec<_>>(),
        [(client_at, server_at)],
        "each packet once"
    );
    assert!(capture.payload_contains(&text[500_000..500_100]));
    assert!(!capture.payload_contains(b"never sent"));
    let streams = capture.streams();
    let answer = streams.iter().find(|stream| stream.from == server_at).unwrap();
    assert!(answer.bytes == text, "{} of {} bytes", answer.bytes.len(), text.len());
    let sentence = b"a sentence that was certainly never sent";
    assert_eq!(capture.stretch_of(&[&sentence[..], &text[7..50]].concat(), 32).unwrap(), &text[7..39]);
    assert_eq!(capture.stretch_of(sentence, 32), None);
    let last = capture.last_payload_segment_after(before, |packet| packet.to == client_at).unwrap();
    assert!(last.at > before && last.at < SystemTime::now());
    assert!(capture.last_payload_segment_after(SystemTime::now(), |_| true).is_none());
}

#[test]
fn a_capture_names_the_group_of_a_real_tls_handshake() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let server = tls_server(&lab, &two);
    let recording = lab.capture().unwrap();
    let url = format!("https://{}:8443/", two.ipv4());
    let curl = one.command("curl").args(["-sk", "--retry-connrefused", "--retry", "9", "--curves", "P-384", &url]);
    curl.run(DEADLINE).unwrap().success("curl").unwrap();
    drop(server);
    let streams = recording.stop().unwrap().streams();
    let groups: Vec<u16> = streams.iter().filter_map(|stream| server_hello_key_share(&stream.bytes)).collect();
    assert_eq!(groups, [0x0018], "secp384r1 in RFC 8446");
}

fn tls_server(lab: &Lab, host: &Host) -> Process {
    let (key, certificate) = (lab.directory().join("key.pem"), lab.directory().join("certificate.pem"));
    let make = host.command("openssl").args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]);
    let make = make.args(["ec_paramgen_curve:P-256", "-subj", "/CN=two", "-keyout"]).arg(&key).arg("-out");
    make.arg(&certificate).run(DEADLINE).unwrap().success("openssl req").unwrap();
    let serve = host.command("openssl").args(["s_server", "-www", "-tls1_3", "-accept", "8443", "-key"]).arg(&key);
    let server = serve.arg("-cert").arg(&certificate).spawn("tls").unwrap();
    server.wait_for_log("ACCEPT", DEADLINE).unwrap();
    server
}

#[test]
fn a_capture_shows_the_retransmissions_of_a_cut_host() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let (mut client, _server) = talk(&one, &two);
    let recording = lab.capture().unwrap();
    one.cut().unwrap();
    client.write_all(b"into the void").unwrap();
    let voids =
        |capture: &Capture| capture.packets().iter().filter(|packet| packet.payload == b"into the void").count();
    until(DEADLINE, "retransmission", || {
        let seen = voids(&recording.so_far().unwrap());
        (seen > 1).then_some(()).ok_or(seen)
    })
    .unwrap();
    let capture = recording.stop().unwrap();
    assert_eq!(capture.streams().iter().find(|stream| stream.from.ip() == one.ipv4()).unwrap().bytes, b"into the void");
}

#[test]
fn a_sample_ends_by_itself_and_keeps_the_beginnings_of_packets() {
    let lab = lab();
    let (one, two, other) = (lab.host("one").unwrap(), lab.host("two").unwrap(), lab.host("other").unwrap());
    let sampling = lab.sample(&one, PACKETS, 256).unwrap();
    let _elsewhere = talk(&other, &two);
    let (client, mut server) = talk(&one, &two);
    let text = vec![b'a'; 1_000_000];
    std::thread::scope(|scope| {
        scope.spawn(|| server.write_all(&text).unwrap());
        assert!(arrives(&client, &text, DEADLINE));
    });
    let capture = sampling.finish().unwrap();
    let packets = capture.packets();
    assert!((2..=PACKETS).contains(&packets.len()), "{} packets", packets.len());
    assert!(packets.iter().all(|packet| packet.is_between(one.ipv4().into(), two.ipv4().into())));
    let cut: Vec<_> = packets.iter().filter(|packet| !packet.payload.is_empty()).collect();
    assert!(!cut.is_empty() && cut.iter().all(|packet| packet.payload == vec![b'a'; packet.payload.len()]));
    assert!(cut.iter().all(|packet| packet.payload.len() < 256), "{:?}", cut[0].payload.len());
}

#[test]
fn a_sample_has_all_of_a_few_packets() {
    let lab = lab();
    let (one, two) = (lab.host("one").unwrap(), lab.host("two").unwrap());
    let sampling = lab.sample(&one, PACKETS, 256).unwrap();
    let (mut client, server) = talk(&one, &two);
    client.write_all(b"the last word").unwrap();
    assert!(arrives(&server, b"the last word", DEADLINE));
    let capture = sampling.finish().unwrap();
    let files = fs::read_dir(lab.directory()).unwrap().map(|file| file.unwrap().path());
    assert_eq!(files.filter(|file| file.extension().is_some()).count(), 0, "a sample that was read leaves no file");
    assert!(capture.payload_contains(b"the last word"));
    assert_eq!(capture.syns_between(one.ipv4(), two.ipv4()).len(), 1);
}

#[test]
fn a_capture_whose_tcpdump_has_ended_is_an_error() {
    for how in [Signal::SIGKILL, Signal::SIGTERM] {
        let lab = lab();
        let recording = lab.capture().unwrap();
        end_tcpdump(&lab, how);
        let stopped = recording.stop();
        assert!(matches!(stopped, Err(LabError::CaptureBroken { .. })), "{how}: {:?}", stopped.err());
    }
}

#[test]
fn a_sample_whose_tcpdump_was_killed_is_an_error() {
    let lab = lab();
    let sampling = lab.sample(&lab.host("one").unwrap(), PACKETS, 256).unwrap();
    end_tcpdump(&lab, Signal::SIGKILL);
    let finished = sampling.finish();
    assert!(matches!(finished, Err(LabError::CaptureBroken { .. })), "{:?}", finished.err());
}

/// Ends the one `tcpdump` of this lab, as a lack of memory or an administrator would.
fn end_tcpdump(lab: &Lab, how: Signal) {
    let directory = lab.directory().to_str().unwrap();
    let command = |pid: &String| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let pids = || fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ours = |pid: &String| command(pid).starts_with("tcpdump\0") && command(pid).contains(directory);
    let pid = pids().filter(|name| name.parse::<u32>().is_ok()).find(ours).unwrap();
    kill(Pid::from_raw(pid.parse().unwrap()), how).unwrap();
    until(DEADLINE, "end of tcpdump", || if is_alive(&pid) { Err("it runs") } else { Ok(()) }).unwrap();
}

/// How many packets a sample takes.
const PACKETS: usize = 20;
