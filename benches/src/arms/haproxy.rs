//! HAProxy in TCP mode: one TLS connection for each connection.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use bulkhead_measure::work::Dialect;

use super::pair::{Pair, Site};
use super::{AES_256, Ground, OUTBOUND_PORT, X25519, connections, programs};
use crate::arm::{About, ArmName, Protection};

/// `program` is `haproxy`.
pub(super) fn pair(name: ArmName, program: &Path, ground: &Ground<'_>) -> Result<Pair> {
    let site = Site::make(&name, ground)?;
    let client = Site::write(&site.client, "haproxy.cfg", &(common() + &client_part(&site, ground)))?;
    let server = Site::write(&site.server, "haproxy.cfg", &(common() + &server_part(&site, ground)))?;
    // In the foreground, so that it is one process and ends with the bench.
    let words = |file| vec![program.display().to_string(), "-db".to_owned(), "-f".to_owned(), file];
    Ok(Pair::new(name, about(program), site, words(client), words(server))?.cold_by(Dialect::Stream))
}

fn common() -> String {
    format!(
        "global
    nbthread {threads}
    maxconn {connections}
    # Nothing is resumed: every connection is a full handshake, as Bulkhead's tunnels are.
    tune.ssl.cachesize 0

defaults
    mode tcp
    backlog 4096
    timeout connect 10s
    timeout client 1h
    timeout server 1h

",
        threads = programs::threads(),
        connections = connections(),
    )
}

fn client_part(site: &Site, ground: &Ground<'_>) -> String {
    let certificates = ground.certificates;
    format!(
        "listen outbound
    bind 127.0.0.1:{OUTBOUND_PORT}
    server peer {peer} ssl verify required verifyhost {name} ca-file {roots} crt {identity} ssl-min-ver TLSv1.3 \
         ciphersuites {AES_256} no-ssl-reuse
",
        peer = site.between(),
        name = certificates.server.name,
        roots = certificates.roots.display(),
        identity = certificates.client.identity.display(),
    )
}

fn server_part(site: &Site, ground: &Ground<'_>) -> String {
    let certificates = ground.certificates;
    format!(
        "listen inbound
    bind {here} ssl crt {identity} ca-file {roots} verify required ssl-min-ver TLSv1.3 ciphersuites {AES_256} \
         curves {X25519} no-tls-tickets
    server application {application}
",
        here = site.between(),
        identity = certificates.server.identity.display(),
        roots = certificates.roots.display(),
        application = site.ends.service,
    )
}

fn about(program: &Path) -> About {
    let said = programs::asked(program, &["-vv"]).unwrap_or_default();
    let versions = [("haproxy", "HAProxy version"), ("openssl", "Running on OpenSSL version")];
    About {
        summary: "HAProxy in TCP mode, a TLS connection for each connection; the client checks the server's DNS name, \
                  the server the client's chain; no access log."
            .to_owned(),
        versions: versions.map(|(name, word)| (name.to_owned(), programs::line_with(&said, word))).into(),
        configuration: BTreeMap::new(),
        protection: Protection::MutualTls,
        pooled: false,
        key_exchange: Some(X25519.to_owned()),
        cipher_suite: Some(AES_256.to_owned()),
    }
}
