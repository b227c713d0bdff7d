//! What a function's time was spent for, told from the file that it is in and from its name.

/// One of a few words: `kernel: network`, `kernel: other`, `encryption`, `TLS`, `HTTP/2`, `runtime`, `memory`, `Bulkhead`,
/// `other`.
///
/// The first that fits counts, from what is most certain to what is least. Generic code is counted with the crate whose
/// type comes first in its name, so a `Future` of ours that was compiled into tokio's task counts as the runtime's.
pub(super) fn place(object: &str, symbol: &str) -> &'static str {
    if object.contains("kernel") || object.starts_with('[') {
        return if NETWORK.iter().any(|word| symbol.contains(word)) { "kernel: network" } else { "kernel: other" };
    }
    let found = PLACES.iter().find(|(_, words)| words.iter().any(|word| symbol.contains(word)));
    found.map_or("other", |(place, _)| place)
}

const NETWORK: &[&str] = &[
    "tcp",
    "ip_",
    "ip6",
    "skb",
    "sock",
    "inet",
    "net_",
    "netif",
    "nf_",
    "nft_",
    "conntrack",
    "veth",
    "br_",
    "copy_user",
    "copy_to_iter",
    "copy_from_iter",
    "_copy_",
    "csum",
    "xmit",
    "rep_movs",
    "napi",
    "dev_",
    "qdisc",
    "fib_",
    "neigh",
];

const PLACES: &[(&str, &[&str])] = &[
    (
        "encryption",
        &[
            "aws_lc", "aes", "gcm", "AES", "GCM", "sha256", "sha512", "bignum", "p256", "x25519", "mlkem", "ecdsa",
            "EVP",
        ],
    ),
    ("memory", &["malloc", "free", "calloc", "realloc", "memcpy", "memmove", "memset", "alloc::"]),
    ("HTTP/2", &["h2::", "http::", "hpack"]),
    ("TLS", &["rustls", "webpki"]),
    ("Bulkhead", &["bulkhead"]),
    ("runtime", &["tokio", "mio::", "epoll", "futures", "std::", "core::", "parking_lot"]),
];

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn functions_are_told_apart() {
        for (object, symbol, expected) in [
            ("[kernel.kallsyms]", "tcp_sendmsg_locked", "kernel: network"),
            ("[kernel.kallsyms]", "schedule", "kernel: other"),
            ("bulkhead-proxy", "aws_lc_0_45_0_aesni_gcm_encrypt", "encryption"),
            ("bulkhead-proxy", "<h2::proto::streams::recv::Recv>::poll", "HTTP/2"),
            ("bulkhead-proxy", "rustls::conn::ConnectionCommon<T>::process_new_packets", "TLS"),
            ("bulkhead-proxy", "bulkhead_proxy::copy::up", "Bulkhead"),
            ("bulkhead-proxy", "tokio::runtime::task::raw::poll", "runtime"),
            ("libc.so.6", "__memmove_avx_unaligned_erms", "memory"),
            ("libc.so.6", "0x0000000000123456", "other"),
        ] {
            assert_eq!(place(object, symbol), expected, "{object} {symbol}");
        }
    }
}
