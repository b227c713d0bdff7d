//! The parts of Envoy's configuration, in its API v3.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::arms::X25519_MLKEM768;
use crate::certificates::Identity;

/// A port, and what is done with the connections that arrive there.
pub(super) fn listener(name: &str, here: SocketAddr, chain: &Value) -> Value {
    json!({
        "name": name,
        "address": address(here),
        "tcp_backlog_size": 4096,
        "filter_chains": [chain],
    })
}

/// Where connections go, and that there may be many: by default there are 1,024 at most.
pub(super) fn cluster(name: &str, there: SocketAddr) -> Value {
    let endpoint = json!({"endpoint": {"address": address(there)}});
    let many = 100_000;
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "circuit_breakers": {"thresholds": [
            {"max_connections": many, "max_pending_requests": many, "max_requests": many}
        ]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    })
}

/// Passes bytes on.
pub(super) fn tcp_proxy(cluster: &str) -> Value {
    json!({
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": api("filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": cluster,
            "cluster": cluster,
        },
    })
}

/// Takes CONNECT requests and passes the bytes of each on over TCP.
pub(super) fn connect_terminator(cluster: &str) -> Value {
    let route = json!({
        "match": {"connect_matcher": {}},
        "route": {
            "cluster": cluster,
            "timeout": "0s",
            "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
        },
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": api("filters.http.router.v3.Router")},
    });
    json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": api("filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": cluster,
            "codec_type": "HTTP2",
            "http2_protocol_options": {"allow_connect": true},
            "upgrade_configs": [{"upgrade_type": "CONNECT"}],
            // Connections may be idle.
            "stream_idle_timeout": "0s",
            "route_config": {"virtual_hosts": [{"name": cluster, "domains": ["*"], "routes": [route]}]},
            "http_filters": [router],
        },
    })
}

/// HTTP/2 to the peer.
pub(super) fn http2_upstream() -> Value {
    json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": api("upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": {"http2_protocol_options": {}},
        },
    })
}

/// TLS to a server that must be `peer`; nothing is resumed.
pub(super) fn upstream_tls(own: &Identity, peer: &Identity, roots: &Path, alpn: &[&str]) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": api("transport_sockets.tls.v3.UpstreamTlsContext"),
            "max_session_keys": 0,
            "common_tls_context": common_tls(own, peer, roots, alpn),
        },
    })
}

/// TLS from a client that must be `peer`; nothing is resumed.
pub(super) fn downstream_tls(own: &Identity, peer: &Identity, roots: &Path, alpn: &[&str]) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": api("transport_sockets.tls.v3.DownstreamTlsContext"),
            "require_client_certificate": true,
            "disable_stateless_session_resumption": true,
            "disable_stateful_session_resumption": true,
            "common_tls_context": common_tls(own, peer, roots, alpn),
        },
    })
}

fn common_tls(own: &Identity, peer: &Identity, roots: &Path, alpn: &[&str]) -> Value {
    json!({
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_3",
            "tls_maximum_protocol_version": "TLSv1_3",
            "ecdh_curves": [X25519_MLKEM768],
        },
        "tls_certificates": [{
            "certificate_chain": {"filename": own.chain},
            "private_key": {"filename": own.key},
        }],
        "validation_context": {
            "trusted_ca": {"filename": roots},
            "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": peer.id}}],
        },
        "alpn_protocols": alpn,
    })
}

fn address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}

fn api(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}
