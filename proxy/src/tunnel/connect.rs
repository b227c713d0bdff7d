//! The CONNECT request as HBONE has it: `:authority` is an address and a port, `forwarded` says for whom.

use std::net::{AddrParseError, SocketAddr};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

/// What a client's proxy asks of a server's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The endpoint to connect to.
    pub target: SocketAddr,
    /// The application's own address, as the peer tells it: for logs, nothing is decided on it.
    pub client: Option<SocketAddr>,
}

impl Connect {
    pub(super) fn to_request(self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() =
            unscoped(self.target).to_string().parse::<Uri>().expect("an address and a port are an authority");
        if let Some(client) = self.client {
            let value = format!("for=\"{}\"", unscoped(client));
            let value = HeaderValue::from_str(&value).expect("an address holds no control character");
            request.headers_mut().insert(header::FORWARDED, value);
        }
        request
    }

    pub(super) fn from_request<B>(request: &Request<B>) -> Result<Self, Malformed> {
        if request.method() != Method::CONNECT {
            return Err(Malformed::Method);
        }
        let authority = request.uri().authority().ok_or(Malformed::NoAuthority)?;
        Ok(Self { target: parse_target(authority.as_str())?, client: forwarded_for(request.headers()) })
    }
}

/// Without the scope of an IPv6 address, which is the number of an interface of this machine: it means nothing to a peer,
/// and an authority cannot hold it.
fn unscoped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

/// Why a request is not a CONNECT that HBONE knows. The texts are what the peer wrote, cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Malformed {
    #[error("the request is not a CONNECT")]
    Method,
    #[error("the CONNECT names no authority")]
    NoAuthority,
    #[error("the target `{text}` carries a user name")]
    UserInfo { text: String },
    #[error("the target `{text}` has no port")]
    NoPort { text: String },
    #[error("the target `{text}` has port 0, which cannot be connected to")]
    PortZero { text: String },
    #[error("the target `{text}` is not an address and a port; names are not resolved here")]
    NotAnAddress { text: String, source: AddrParseError },
    #[error("the target `{text}` is an IPv4 address written as IPv6, or names a scope")]
    Disguised { text: String },
}

/// Parses `10.9.0.2:5432` or `[2001:db8::2]:5432`, and nothing looser.
fn parse_target(text: &str) -> Result<SocketAddr, Malformed> {
    let shown = || shown(text);
    if text.contains('@') {
        return Err(Malformed::UserInfo { text: shown() });
    }
    let (_, port) =
        text.rsplit_once(':').filter(|(_, port)| !port.contains(']')).ok_or(Malformed::NoPort { text: shown() })?;
    if port.is_empty() {
        return Err(Malformed::NoPort { text: shown() });
    }
    let target: SocketAddr = text.parse().map_err(|source| Malformed::NotAnAddress { text: shown(), source })?;
    match target {
        _ if target.port() == 0 => Err(Malformed::PortZero { text: shown() }),
        // Checks of the target look at the family: loopback in another spelling would pass them.
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() || v6.scope_id() != 0 => {
            Err(Malformed::Disguised { text: shown() })
        }
        target => Ok(target),
    }
}

/// The beginning of a text that the peer wrote: it goes to the log, and its limit is that of all headers.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The first `for=` of a `forwarded` header (RFC 7239), when it is an address with a port; anything else is no address.
fn forwarded_for(headers: &HeaderMap) -> Option<SocketAddr> {
    let text = headers.get(header::FORWARDED)?.to_str().ok()?;
    let first = text.split(',').next()?;
    let node = first.split(';').find_map(|pair| pair.trim().strip_prefix("for="))?;
    node.trim_matches('"').parse().ok()
}

const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_is_an_address_and_a_port() {
        for text in ["10.9.0.2:5432", "[2001:db8::2]:1", "127.0.0.1:65535"] {
            assert_eq!(parse_target(text).map(|target| target.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn anything_looser_is_refused_by_its_kind() {
        let kind = |text: &str| match parse_target(text) {
            Ok(_) => "accepted",
            Err(Malformed::UserInfo { .. }) => "user",
            Err(Malformed::NoPort { .. }) => "no port",
            Err(Malformed::PortZero { .. }) => "port 0",
            Err(Malformed::NotAnAddress { .. }) => "not an address",
            Err(Malformed::Disguised { .. }) => "disguised",
            Err(Malformed::Method | Malformed::NoAuthority) => "other",
        };
        for (text, expected) in [
            ("", "no port"),
            ("nonsense", "no port"),
            ("10.9.0.1", "no port"),
            ("10.9.0.1:", "no port"),
            ("[::1]", "no port"),
            ("10.9.0.1:0", "port 0"),
            ("10.9.0.1:99999", "not an address"),
            ("db.shop:80", "not an address"),
            ("localhost:80", "not an address"),
            (":80", "not an address"),
            ("10.9.1:80", "not an address"),
            ("010.9.0.1:80", "not an address"),
            ("0x7f000001:80", "not an address"),
            ("::1:80", "not an address"),
            (" 10.9.0.1:80", "not an address"),
            ("user@10.9.0.1:80", "user"),
            ("[::ffff:127.0.0.1]:80", "disguised"),
            ("[fe80::1%2]:80", "disguised"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_request_says_what_was_asked() {
        let connect = Connect { target: "[2001:db8::2]:80".parse().unwrap(), client: "10.9.0.1:48528".parse().ok() };
        let request = connect.to_request();
        assert_eq!(request.uri().to_string(), "[2001:db8::2]:80");
        assert_eq!(request.headers()["forwarded"], "for=\"10.9.0.1:48528\"");
        assert_eq!(Connect::from_request(&request), Ok(connect));
    }

    #[test]
    fn a_scope_stays_at_home() {
        let connect = Connect { target: "[fe80::1%2]:80".parse().unwrap(), client: "[fe80::3%2]:4".parse().ok() };
        let request = connect.to_request();
        assert_eq!(request.uri().to_string(), "[fe80::1]:80");
        assert_eq!(request.headers()["forwarded"], "for=\"[fe80::3]:4\"");
    }

    #[test]
    fn a_refused_text_is_cut_before_it_is_shown() {
        for text in ["x".repeat(60_000), format!("{}@10.9.0.1:80", "é".repeat(30_000))] {
            let said = parse_target(&text).unwrap_err().to_string();
            assert!(said.chars().count() < 200, "{said}");
        }
    }

    #[test]
    fn what_a_foreign_proxy_forwards_is_read_or_ignored() {
        for (text, expected) in [
            ("for=\"10.9.0.1:48528\";host=b.web.svc", Some("10.9.0.1:48528")),
            ("proto=http; for=\"[2001:db8::1]:9\", for=10.0.0.1", Some("[2001:db8::1]:9")),
            ("for=unknown", None),
            ("for=\"_hidden\"", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static(text))]);
            assert_eq!(forwarded_for(&headers).map(|a| a.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,64}") {
            if let Ok(target) = parse_target(&text) {
                prop_assert!(target.port() != 0);
            }
        }

        #[test]
        fn no_address_makes_a_request_panic(ip in any::<std::net::Ipv6Addr>(), port: u16, flow: u32, scope: u32) {
            let address = std::net::SocketAddrV6::new(ip, port, flow, scope).into();
            Connect { target: address, client: Some(address) }.to_request();
        }

        #[test]
        fn every_address_survives_the_wire(address in any::<std::net::IpAddr>(), port in 1u16..) {
            let target = SocketAddr::new(address, port);
            let disguised = matches!(address, std::net::IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
            prop_assert_eq!(parse_target(&target.to_string()).is_ok(), !disguised);
        }
    }
}
