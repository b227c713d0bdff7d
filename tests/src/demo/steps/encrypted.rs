//! Step 2: a request from web to db, and what the wire shows of it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use bulkhead_lab::capture::{Capture, server_hello_key_share};

use super::{Scene, Teller};
use crate::demo::scene::SERVICE;

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    let recording = scene.mesh.lab().capture()?;
    let text = by_address(teller, scene)?;
    by_service(teller, scene)?;
    let capture = recording.stop()?;
    on_the_wire(teller, scene, &capture, &text)
}

fn by_address(teller: &Teller, scene: &Scene) -> Result<String> {
    let url = format!("http://{}:8080/hex", scene.db.pod().ipv4());
    teller.types(&format!("curl {url}            # in web on n1"));
    let text = scene.web.curl(&url)?;
    ensure!(text.len() == 1 << 20, "{} bytes came instead of 1 MiB", text.len());
    teller.saw(&format!("{} hexadecimal digits: {}...", text.len(), &text[..32]));
    Ok(text)
}

fn by_service(teller: &Teller, scene: &Scene) -> Result<()> {
    let url = format!("http://{SERVICE}:8080/name");
    teller.types(&format!("curl {url}          # 20 times: the service's virtual address"));
    let answers = (0..20).map(|_| scene.web.curl(&url)).collect::<Result<Vec<_>>>()?;
    let endpoints: BTreeSet<&String> = answers.iter().collect();
    for endpoint in &endpoints {
        let times = answers.iter().filter(|answer| answer == endpoint).count();
        teller.saw(&format!("{endpoint} answered {times} times"));
    }
    ensure!(endpoints.len() == 2, "not both endpoints answered: {endpoints:?}");
    Ok(())
}

fn on_the_wire(teller: &Teller, scene: &Scene, capture: &Capture, text: &str) -> Result<()> {
    let (web, db) = (scene.web.pod().ipv4(), scene.db.pod().ipv4());
    let seen = capture.stretch_of(text.as_bytes(), 32);
    ensure!(seen.is_none(), "32 bytes of the text crossed the wire legibly: {:?}", seen.map(String::from_utf8_lossy));
    teller.saw(&format!("{} packets on the bridge: no 32-byte stretch of the text in them", capture.packets().len()));
    let ports: BTreeSet<u16> = capture.syns_between(web, db).iter().map(|syn| syn.to.port()).collect();
    ensure!(ports == BTreeSet::from([15_008]), "between web and db there were SYNs to {ports:?}");
    teller.saw("between web and db no SYN but to port 15008");
    let from_db =
        capture.streams().into_iter().find(|stream| stream.from == (db, 15_008).into() && stream.to.ip() == web);
    let group = server_hello_key_share(&from_db.context("db's sidecar sent nothing")?.bytes);
    ensure!(group == Some(0x11ec), "the key share of the ServerHello is {group:04x?}, not X25519MLKEM768 (0x11ec)");
    teller.saw("the ServerHello's key share is X25519MLKEM768 (0x11ec)");
    Ok(())
}
