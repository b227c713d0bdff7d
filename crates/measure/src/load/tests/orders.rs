//! Orders as JSON, which is how a program is told.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use crate::Order;
use crate::work::{Cold, Dialect, Direction, Pace, Work};

#[test]
fn an_order_is_written_so() {
    let order = Order {
        work: Work::Http { connections: 16, pace: Pace::PerSecond(5000) },
        target: SocketAddr::from(([10, 77, 3, 2], 8080)),
        warm_up: Duration::from_millis(300),
        measured: Duration::from_secs(2),
        watch: vec![7],
        cold: None,
    };
    let text = r#"{"work":{"http":{"connections":16,"pace":{"per-second":5000}}},"target":"10.77.3.2:8080","warm_up":{"secs":0,"nanos":300000000},"measured":{"secs":2,"nanos":0},"watch":[7],"cold":null}"#;
    assert_eq!(serde_json::to_string(&order).unwrap(), text);
}

#[test]
fn an_order_with_an_unknown_word_is_refused() {
    for text in [
        "{}",
        r#"{"work":{"juggle":{}},"target":"10.77.3.2:8080","warm_up":{"secs":0,"nanos":0},"measured":{"secs":2,"nanos":0},"watch":[],"cold":null}"#,
        r#"{"work":{"connect":{"parallel":1}},"target":"10.77.3.2:8080","warm_up":{"secs":0,"nanos":0},"measured":{"secs":2,"nanos":0},"watch":[],"cold":null,"more":1}"#,
    ] {
        assert!(serde_json::from_str::<Order>(text).is_err(), "{text}");
    }
}

fn any_work() -> impl Strategy<Value = Work> {
    let pace = prop_oneof![Just(Pace::AsFastAsAnswered), any::<u32>().prop_map(Pace::PerSecond)];
    (0..8, any::<u32>(), pace).prop_map(|(kind, connections, pace)| match kind {
        0 => Work::Bulk { direction: Direction::Up, connections },
        1 => Work::Bulk { direction: Direction::Down, connections },
        2 => Work::PingPong { connections },
        3 => Work::Connect { parallel: connections },
        4 => Work::Handshake { parallel: connections },
        5 => Work::Http { connections, pace },
        6 => Work::Grpc { connections, pace },
        _ => Work::Idle { connections },
    })
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    let four = any::<(Ipv4Addr, u16)>().prop_map(SocketAddr::from);
    prop_oneof![four, any::<(Ipv6Addr, u16)>().prop_map(SocketAddr::from)]
}

fn any_cold() -> impl Strategy<Value = Cold> {
    let dialect = prop_oneof![Just(Dialect::Stream), Just(Dialect::Tunnel)];
    (dialect, "[ -~]{0,20}", "[ -~]{0,20}", any_address()).prop_map(|(dialect, identity, roots, authority)| Cold {
        dialect,
        identity: PathBuf::from(identity),
        roots: PathBuf::from(roots),
        authority,
    })
}

fn any_order() -> impl Strategy<Value = Order> {
    let times = (any::<Duration>(), any::<Duration>());
    let watch = prop::collection::vec(any::<u32>(), 0..4);
    (any_work(), any_address(), times, watch, prop::option::of(any_cold())).prop_map(
        |(work, target, (warm_up, measured), watch, cold)| Order { work, target, warm_up, measured, watch, cold },
    )
}

proptest! {
    #[test]
    fn an_order_that_was_written_is_read_again(order in any_order()) {
        let text = serde_json::to_string(&order).unwrap();
        prop_assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }
}
