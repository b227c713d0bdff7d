//! Connections of a workload: carried in a tunnel, to itself, out of the mesh, or refused before a byte left.

use std::net::SocketAddr;

use bulkhead_mesh::{Endpoint, Entry, Resolution, Service, ServicePort};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::lines::{connection, tunnelled};
use super::support::{SAME_LABEL, is_finished, is_reset, says, within};
use super::world::{CLIENT, LEFT, SERVER, World, entry};

#[tokio::test]
async fn bytes_and_half_closes_pass_both_ways() {
    let world = World::new(SAME_LABEL).await;
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "what is the answer").await;
    client.shutdown().await.unwrap();
    is_finished(&mut server).await;
    says(&mut server, &mut client, "42").await;
    server.shutdown().await.unwrap();
    is_finished(&mut client).await;
    let (from, to) = (client.local_addr().unwrap(), world.server.address());
    for line in [connection("outbound", from, to).await, tunnelled(from, to).await] {
        let of = |field: &str| line[field].to_string();
        assert_eq!((of("reason"), of("rule")), (r#""finished""#.into(), r#""default same-label""#.into()));
        assert_eq!((of("bytes_up"), of("bytes_down")), ("18".into(), "2".into()), "{line}");
        assert_eq!(line["client"], "spiffe://prod.example/ns/shop/sa/web");
        assert_eq!(line["server"], "spiffe://prod.example/ns/shop/sa/db");
        assert_eq!((&line["client_label"], &line["server_label"]), (&"internal".into(), &"internal".into()));
        assert!(of("server_node").contains("n2"), "{line}");
    }
}

#[tokio::test]
async fn a_reset_passes_as_a_reset() {
    let world = World::new(SAME_LABEL).await;
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "hello").await;
    crate::socket::reset(client);
    is_reset(&mut server).await;
}

#[tokio::test]
async fn who_is_not_the_one_of_the_entry_is_refused_after_one_fresh_look_up() {
    let world = World::new(SAME_LABEL).await;
    let fields = [("n3", 1, 2), ("n2", 9, 2), ("n2", 1, 9)];
    for (done, (node, epoch, instance)) in fields.into_iter().enumerate() {
        world.client.hands.at(SERVER, Resolution::Entry(entry(node, epoch, instance)));
        let mut client = world.client.call(world.server.address()).await;
        is_reset(&mut client).await;
        let line = connection("outbound", client.local_addr().unwrap(), world.server.address()).await;
        assert_eq!(line["reason"], "peer-not-believed");
        assert_eq!(world.client.hands.asked_afresh(), done + 1);
    }
    assert!(world.client.pool.is_empty());
}

#[tokio::test]
async fn an_address_that_has_changed_hands_is_reached_by_the_fresh_answer() {
    let world = World::new(SAME_LABEL).await;
    world.client.hands.at(SERVER, Resolution::Entry(entry("n7", 1, 7)));
    world.client.hands.in_truth_at(SERVER, Resolution::Entry(entry("n2", 1, 2)));
    let (mut client, mut server) = world.talk().await;
    says(&mut client, &mut server, "hello").await;
}

#[tokio::test]
async fn an_own_address_that_has_left_this_host_is_not_called_elsewhere() {
    let world = World::new(SAME_LABEL).await;
    let to = SocketAddr::new(LEFT, 5432);
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert!(line["detail"].to_string().contains("not an address of this host any more"), "{line}");
}

#[tokio::test]
async fn an_unknown_address_inside_the_mesh_is_never_called_in_clear() {
    let world = World::new(SAME_LABEL).await;
    let nobody = TcpListener::bind("127.0.2.77:0").await.unwrap();
    let mut client = world.client.call(nobody.local_addr().unwrap()).await;
    is_reset(&mut client).await;
    assert!(futures_util::FutureExt::now_or_never(nobody.accept()).is_none(), "somebody called");
}

#[tokio::test]
async fn a_plain_address_is_called_only_by_a_rule() {
    let world = World::new(SAME_LABEL).await;
    let plain = TcpListener::bind("127.0.2.78:0").await.unwrap();
    let to = plain.local_addr().unwrap();
    world.client.hands.at(to.ip(), Resolution::Entry(Entry::Plain));
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert_eq!(line["detail"], "`internal` may not reach a party without a certificate (default same-label)");
    let rule =
        format!(r#"allow: {{ from: {{ identity: "ns/shop/sa/web" }}, to: unauthenticated, ports: [{}] }}"#, to.port());
    assert_eq!(line["hint"], format!("give the server a sidecar, or write the rule `{rule}`"));
    let rule = r#"{ "name": "old-printer", "allow": { "from": "any", "to": "unauthenticated" } }"#;
    world.client.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "rules": [{rule}] }}"#)));
    let mut client = world.client.call(to).await;
    let (mut server, _) = within("the call", plain.accept()).await.unwrap();
    says(&mut client, &mut server, "print").await;
}

#[tokio::test]
async fn out_of_the_mesh_only_an_egress_rule_leads() {
    let world = World::new(SAME_LABEL).await;
    let outside = TcpListener::bind("127.0.9.1:0").await.unwrap();
    let to = outside.local_addr().unwrap();
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert!(line["hint"].to_string().contains("egress rule"), "{line}");
    let rule = r#"{ "name": "repository", "allow": { "from": "any", "to": ["127.0.9.0/24"] } }"#;
    world.client.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "egress": [{rule}] }}"#)));
    let mut client = world.client.call(to).await;
    let (mut server, _) = within("the call", outside.accept()).await.unwrap();
    says(&mut client, &mut server, "fetch").await;
    says(&mut server, &mut client, "here").await;
    server.shutdown().await.unwrap();
    is_finished(&mut client).await;
    client.shutdown().await.unwrap();
    is_finished(&mut server).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert_eq!((&line["reason"], &line["path"]), (&"finished".into(), &"egress".into()));
    assert_eq!((&line["bytes_up"], &line["bytes_down"]), (&5.into(), &4.into()));
}

#[tokio::test]
async fn in_clear_a_reset_passes_as_a_reset_in_either_direction() {
    let rule = r#"{ "name": "repository", "allow": { "from": "any", "to": ["127.0.9.0/24"] } }"#;
    let world = World::new(&SAME_LABEL.replace(" }", &format!(r#", "egress": [{rule}] }}"#))).await;
    let outside = TcpListener::bind("127.0.9.1:0").await.unwrap();
    for by_the_client in [true, false] {
        let client = world.client.call(outside.local_addr().unwrap()).await;
        let (server, _) = within("the call", outside.accept()).await.unwrap();
        let (one, mut other) = if by_the_client { (client, server) } else { (server, client) };
        crate::socket::reset(one);
        is_reset(&mut other).await;
    }
}

#[tokio::test]
async fn a_rule_of_the_clients_side_refuses_before_anything_is_asked_of_the_server() {
    let world = World::new(SAME_LABEL).await;
    let deny = r#"{ "name": "no-shop", "deny": { "from": "any", "to": { "identity": "ns/shop/sa/*" } } }"#;
    world.client.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "rules": [{deny}] }}"#)));
    let mut client = world.client.call(world.server.address()).await;
    is_reset(&mut client).await;
    let line = connection("outbound", client.local_addr().unwrap(), world.server.address()).await;
    assert_eq!((&line["reason"], &line["rule"]), (&"denied".into(), &"rule `no-shop`".into()));
    assert!(futures_util::FutureExt::now_or_never(world.server.app.accept()).is_none(), "the server was called");
}

#[tokio::test]
async fn a_workload_calls_itself_without_a_tunnel() {
    let world = World::new(SAME_LABEL).await;
    let app = TcpListener::bind((CLIENT, 0)).await.unwrap();
    let mut client = world.client.call(app.local_addr().unwrap()).await;
    let (mut server, _) = within("the call", app.accept()).await.unwrap();
    says(&mut client, &mut server, "me").await;
    assert!(world.client.pool.is_empty());
}

#[tokio::test]
async fn the_proxys_own_ports_are_no_destination() {
    let world = World::new(SAME_LABEL).await;
    for to in ["127.0.0.1:15001", "127.0.1.1:15006", "[::1]:15001"] {
        let to = to.parse().unwrap();
        let mut client = world.client.call(to).await;
        is_reset(&mut client).await;
        assert_eq!(connection("outbound", client.local_addr().unwrap(), to).await["reason"], "loop", "{to}");
    }
}

#[tokio::test]
async fn a_service_is_reached_at_a_ready_endpoint_and_nowhere_else() {
    let world = World::new(SAME_LABEL).await;
    let service = |ready| {
        let server = world.server.address();
        let endpoint = Endpoint { address: server.ip(), port: server.port(), weight: 1, ready };
        let ports = vec![ServicePort { port: 80, endpoints: vec![endpoint] }];
        Resolution::Service(Service::new("db.shop".parse().unwrap(), "127.0.1.200".parse().unwrap(), ports).unwrap())
    };
    let to = "127.0.1.200:80".parse().unwrap();
    world.client.hands.at("127.0.1.200".parse().unwrap(), service(false));
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    assert_eq!(connection("outbound", client.local_addr().unwrap(), to).await["reason"], "no-endpoint");
    world.client.hands.at("127.0.1.200".parse().unwrap(), service(true));
    let mut client = world.client.call(to).await;
    let (mut server, _) = within("the call", world.server.app.accept()).await.unwrap();
    says(&mut client, &mut server, "hello").await;
}

/// As the Kubernetes API: its service lies inside the mesh, what answers outside.
#[tokio::test]
async fn an_endpoint_outside_the_mesh_is_left_to_the_egress_rules() {
    let world = World::new(SAME_LABEL).await;
    let outside = TcpListener::bind("127.0.9.3:0").await.unwrap();
    let endpoint = outside.local_addr().unwrap();
    let to: SocketAddr = "127.0.1.201:443".parse().unwrap();
    world.client.hands.at(to.ip(), service_with("kubernetes.default", to, endpoint));
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    let line = connection("outbound", client.local_addr().unwrap(), to).await;
    assert_eq!((&line["reason"], &line["path"]), (&"denied".into(), &"egress".into()), "{line}");
    let rule = format!(r#"to: ["127.0.9.3/32"], ports: [{}]"#, endpoint.port());
    assert!(line["hint"].as_str().unwrap().contains(&rule), "{line}");
    let of_the_endpoint = |port: u16| {
        let to = r#"{ "from": "any", "to": ["127.0.9.3/32"]"#;
        SAME_LABEL
            .replace(" }", &format!(r#", "egress": [{{ "name": "api", "allow": {to}, "ports": [{port}] }} }}] }}"#))
    };
    world.client.hands.policy(&of_the_endpoint(to.port()));
    is_reset(&mut world.client.call(to).await).await;
    world.client.hands.policy(&of_the_endpoint(endpoint.port()));
    let mut client = world.client.call(to).await;
    let (mut server, _) = within("the call", outside.accept()).await.unwrap();
    says(&mut client, &mut server, "list pods").await;
    drop((client, server));
}

#[tokio::test]
async fn an_unknown_endpoint_inside_the_mesh_is_never_called_in_clear() {
    let world = World::new(SAME_LABEL).await;
    let nobody = TcpListener::bind("127.0.2.81:0").await.unwrap();
    let endpoint = nobody.local_addr().unwrap();
    let to: SocketAddr = "127.0.1.202:443".parse().unwrap();
    world.client.hands.at(to.ip(), service_with("ghost.shop", to, endpoint));
    let egress = r#"{ "name": "all", "allow": { "from": "any", "to": ["0.0.0.0/0"] } }"#;
    world.client.hands.policy(&SAME_LABEL.replace(" }", &format!(r#", "egress": [{egress}] }}"#)));
    let mut client = world.client.call(to).await;
    is_reset(&mut client).await;
    assert_eq!(connection("outbound", client.local_addr().unwrap(), to).await["reason"], "unknown-address");
    assert!(futures_util::FutureExt::now_or_never(nobody.accept()).is_none(), "somebody called");
}

/// A service with one ready endpoint.
fn service_with(name: &str, at: SocketAddr, endpoint: SocketAddr) -> Resolution {
    let endpoint = Endpoint { address: endpoint.ip(), port: endpoint.port(), weight: 1, ready: true };
    let ports = vec![ServicePort { port: at.port(), endpoints: vec![endpoint] }];
    Resolution::Service(Service::new(name.parse().unwrap(), at.ip(), ports).unwrap())
}

#[tokio::test]
async fn before_the_first_policy_and_without_a_certificate_nothing_passes() {
    let world = World::new(SAME_LABEL).await;
    let to = world.server.address();
    world.client.hands.truth.store(crate::truth::Knowledge::nothing());
    is_reset(&mut world.client.call(to).await).await;
    world.client.hands.policy(SAME_LABEL);
    world.client.hands.own.send_replace(None);
    is_reset(&mut world.client.call(to).await).await;
}
