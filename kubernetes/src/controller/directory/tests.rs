//! What is written for services, and in which messages.

use std::net::IpAddr;

use bulkhead_mesh::{InstanceId, Service as MeshService, ServiceName, Timestamp};
use bulkhead_protocol::v1;

use super::*;
use crate::controller::cluster::{Asks, Change, EndpointState, Pod, Service, Slice, SliceEndpoint};
use EndpointState::{Ending, Ready, Unready};

pub(super) fn uid(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; 16])
}

pub(super) fn pod(number: u8) -> Pod {
    Pod {
        namespace: "shop".into(),
        name: format!("web-{number}").into(),
        account: "web".into(),
        node: "n1".into(),
        addresses: [address(number)].into(),
        created: Timestamp::from_secs(1000),
        sidecar: true,
        leaving: false,
        asks: Asks::Itself,
    }
}

pub(super) fn address(number: u8) -> IpAddr {
    [10, 1, 0, number].into()
}

pub(super) fn web() -> ServiceName {
    "web.shop".parse().unwrap()
}

pub(super) fn service(ports: &[(&str, u16)]) -> Service {
    Service { addresses: [[10, 96, 0, 7].into()].into(), ports: named(ports) }
}

pub(super) fn slice(ports: &[(&str, u16)], endpoints: &[(u8, EndpointState)]) -> Slice {
    let endpoints = endpoints.iter().map(|(number, state)| SliceEndpoint { address: address(*number), state: *state });
    Slice { service: web(), ports: named(ports), endpoints: endpoints.collect() }
}

fn named(ports: &[(&str, u16)]) -> Box<[(Box<str>, u16)]> {
    ports.iter().map(|(name, port)| ((*name).into(), *port)).collect()
}

pub(super) fn whole(limits: Limits) -> Directory {
    let mut directory = Directory::new(limits);
    directory.see_pod(Change::Begins).unwrap();
    directory.see_pod(Change::Complete).unwrap();
    directory.see_service(Change::Begins).unwrap();
    directory.see_service(Change::Complete).unwrap();
    directory.see_slice(Change::Begins).unwrap();
    directory.see_slice(Change::Complete).unwrap();
    directory
}

/// A stream that has said everything and was answered.
fn settled(limits: Limits) -> Directory {
    let mut directory = whole(limits);
    assert!(directory.begin());
    let first = directory.next_write().unwrap().message;
    assert_eq!(first, v1::DirectoryWrite { number: 1, complete: true, ..v1::DirectoryWrite::default() });
    directory.answered(1).unwrap();
    assert!(directory.has_listed());
    directory
}

fn see_pods(directory: &mut Directory, numbers: impl IntoIterator<Item = u8>) {
    for number in numbers {
        directory.see_pod(Change::Seen(uid(number), pod(number))).unwrap();
    }
}

/// A port, then its endpoints with their ports and readiness.
type Answered = (u32, Vec<(u8, u32, bool)>);

fn told(ports: &[(&str, u16)], slices: &[Slice]) -> Vec<Answered> {
    let (told, cut) = entry::service(&web(), &service(ports), &slices.iter());
    assert_eq!(cut, None);
    let endpoint = |endpoint: &v1::Endpoint| (endpoint.address[3], endpoint.port, endpoint.ready);
    told.ports.iter().map(|port| (port.port, port.endpoints.iter().map(endpoint).collect())).collect()
}

#[test]
fn endpoints_come_from_the_slices_by_the_ports_name() {
    let both = [("http", 80), ("admin", 81)];
    for (what, slices, expected) in [
        ("nobody answers", vec![], vec![(80, vec![]), (81, vec![])]),
        (
            "one port is answered",
            vec![slice(&[("http", 8080)], &[(1, Ready)])],
            vec![(80, vec![(1, 8080, true)]), (81, vec![])],
        ),
        (
            "a named target port differs between pods",
            vec![slice(&[("http", 8080)], &[(1, Ready)]), slice(&[("http", 9090)], &[(2, Ready)])],
            vec![(80, vec![(1, 8080, true), (2, 9090, true)]), (81, vec![])],
        ),
        (
            "one endpoint in two slices, while they are rearranged",
            vec![slice(&[("http", 8080)], &[(1, Unready)]), slice(&[("http", 8080)], &[(1, Ready)])],
            vec![(80, vec![(1, 8080, true)]), (81, vec![])],
        ),
        ("another port's slice", vec![slice(&[("", 8080)], &[(1, Ready)])], vec![(80, vec![]), (81, vec![])]),
    ] {
        assert_eq!(told(&both, &slices), expected, "{what}");
    }
    assert_eq!(told(&[("", 80)], &[slice(&[("", 8080)], &[(1, Ready)])]), [(80, vec![(1, 8080, true)])]);
}

#[test]
fn those_about_to_end_count_where_nobody_is_ready() {
    for (endpoints, expected) in [
        (vec![(1, Ready), (2, Ending), (3, Unready)], vec![(1, true), (2, false), (3, false)]),
        (vec![(1, Ending), (2, Ending), (3, Unready)], vec![(1, true), (2, true), (3, false)]),
        (vec![(1, Unready), (2, Unready)], vec![(1, false), (2, false)]),
        (vec![(3, Ready), (1, Unready)], vec![(3, true), (1, false)]),
    ] {
        let ports = told(&[("http", 80)], &[slice(&[("http", 8080)], &endpoints)]);
        let found: Vec<_> = ports[0].1.iter().map(|(number, _, ready)| (*number, *ready)).collect();
        assert_eq!(found, expected, "{endpoints:?}");
    }
}

#[test]
fn what_a_service_may_not_have_is_left_out_and_said() {
    let ports: Vec<_> = (1..=300).map(|port| ("http", port)).collect();
    let (told, cut) = entry::service(&web(), &service(&ports), &std::iter::empty());
    assert_eq!(told.ports.len(), MeshService::MAX_PORTS);
    assert_eq!(cut, Some(Cut { service: web(), ports: 44, endpoints: 0 }));

    let address = |number: u32| IpAddr::from((0x0a01_0000 + number).to_be_bytes());
    let state = |number| if number < 9000 { Unready } else { Ready };
    let endpoints =
        (0..12_000).map(|number| SliceEndpoint { address: address(number), state: state(number) }).collect();
    let large = Slice { service: web(), ports: named(&[("http", 8080)]), endpoints };
    let (told, cut) = entry::service(&web(), &service(&[("http", 80)]), &std::iter::once(&large));
    assert_eq!(told.ports[0].endpoints.len(), MeshService::MAX_ENDPOINTS);
    assert_eq!(told.ports[0].endpoints.iter().filter(|endpoint| endpoint.ready).count(), 3000, "the ready ones stay");
    assert_eq!(cut, Some(Cut { service: web(), ports: 0, endpoints: 2000 }));

    let ports: Vec<_> = (1..=200).map(|port| ("http", port)).collect();
    let (told, _) = entry::service(&web(), &service(&ports), &std::iter::once(&large));
    assert_eq!(told.ports.iter().map(|port| port.endpoints.len()).sum::<usize>(), 60_000, "of all ports together");
}

#[test]
fn nothing_is_said_before_everything_is_known() {
    let mut directory = Directory::new(Limits::default());
    directory.see_pod(Change::Begins).unwrap();
    directory.see_pod(Change::Complete).unwrap();
    assert!(!directory.begin());
    assert_eq!(directory.next_write(), None);
}

#[test]
fn the_first_listing_comes_in_messages_of_a_limited_size_and_its_end_is_said_once() {
    let mut directory = whole(Limits { items: 3, unanswered: 100, ..Limits::default() });
    see_pods(&mut directory, 1..=7);
    directory.begin();
    let writes: Vec<_> = std::iter::from_fn(|| directory.next_write()).map(|write| write.message).collect();
    let shape: Vec<_> = writes.iter().map(|write| (write.number, write.pods.len(), write.complete)).collect();
    assert_eq!(shape, [(1, 3, false), (2, 3, false), (3, 1, true)]);
    see_pods(&mut directory, [8]);
    assert!(!directory.next_write().unwrap().message.complete);
}

#[test]
fn a_message_has_a_limited_number_of_bytes_but_an_item_goes_whole() {
    let mut directory = whole(Limits { bytes: 300, unanswered: 100, ..Limits::default() });
    see_pods(&mut directory, 1..=5);
    directory.see_service(Change::Seen(web(), service(&[("http", 80)]))).unwrap();
    let many: Vec<_> = (1..=100).map(|number| (number, Ready)).collect();
    directory.see_slice(Change::Seen(("shop".into(), "web-1".into()), slice(&[("http", 8080)], &many))).unwrap();
    directory.begin();
    let writes: Vec<_> = std::iter::from_fn(|| directory.next_write()).map(|write| write.message).collect();
    let shape: Vec<_> = writes.iter().map(|write| (write.pods.len(), write.services.len())).collect();
    assert_eq!(shape, [(2, 0), (2, 0), (1, 0), (0, 1)]);
    assert_eq!(writes[3].services[0].ports[0].endpoints.len(), 100);
}

#[test]
fn no_more_writes_wait_for_an_answer_than_allowed() {
    let mut directory = settled(Limits { items: 1, unanswered: 2, ..Limits::default() });
    see_pods(&mut directory, 1..=3);
    let numbers: Vec<_> = std::iter::from_fn(|| directory.next_write()).map(|write| write.message.number).collect();
    assert_eq!(numbers, [2, 3]);
    directory.answered(2).unwrap();
    assert_eq!(directory.next_write().unwrap().message.number, 4);
    assert_eq!(directory.next_write(), None);
    directory.answered(4).unwrap();
    assert_eq!(directory.unanswered(), 0);
}

#[test]
fn an_answer_that_nobody_awaits_breaks_the_protocol() {
    let mut directory = settled(Limits::default());
    for number in [0, 1, 2] {
        assert!(directory.answered(number).is_err(), "{number}");
    }
    see_pods(&mut directory, [1]);
    directory.next_write().unwrap();
    assert!(directory.answered(3).is_err());
    assert!(directory.answered(2).is_ok());
    assert!(directory.answered(2).is_err());
}

#[test]
fn many_changes_of_one_object_are_one() {
    let mut directory = settled(Limits::default());
    for created in 1..100 {
        let changed = Pod { created: Timestamp::from_secs(created), ..pod(1) };
        directory.see_pod(Change::Seen(uid(1), changed)).unwrap();
    }
    let write = directory.next_write().unwrap().message;
    assert_eq!(write.pods.iter().map(|pod| pod.created_millis).collect::<Vec<_>>(), [99_000]);
    assert_eq!(directory.next_write(), None);
    see_pods(&mut directory, [2]);
    directory.see_pod(Change::Gone(uid(2))).unwrap();
    assert_eq!(directory.next_write(), None, "it came and went without a word");
}

#[test]
fn what_is_not_said_to_the_ca_is_no_change() {
    let mut directory = settled(Limits::default());
    see_pods(&mut directory, [1]);
    directory.next_write().unwrap();
    directory.see_pod(Change::Seen(uid(1), Pod { addresses: [].into(), ..pod(1) })).unwrap();
    assert_eq!(directory.next_write().unwrap().message.gone_pods, [[1; 16]], "without an address it is not there");
    directory.see_pod(Change::Seen(uid(1), Pod { addresses: [].into(), leaving: true, ..pod(1) })).unwrap();
    assert_eq!(directory.next_write(), None);
    directory
        .see_slice(Change::Seen(("shop".into(), "headless".into()), slice(&[("http", 1)], &[(1, Ready)])))
        .unwrap();
    assert_eq!(directory.next_write(), None, "a slice of no service that has an address");
}

#[test]
fn limits_leave_out_and_are_said() {
    let mut directory = whole(Limits { pods: 1, services: 1, endpoints: 3, ..Limits::default() });
    see_pods(&mut directory, [1]);
    assert!(directory.see_pod(Change::Seen(uid(2), pod(2))).is_err());
    directory.see_service(Change::Seen(web(), service(&[("http", 80)]))).unwrap();
    assert!(directory.see_service(Change::Seen("db.shop".parse().unwrap(), service(&[("http", 80)]))).is_err());
    let name = |number: u8| ("shop".into(), format!("web-{number}").into());
    let two = slice(&[("http", 8080)], &[(1, Ready), (2, Ready)]);
    directory.see_slice(Change::Seen(name(1), two.clone())).unwrap();
    assert!(directory.see_slice(Change::Seen(name(2), two.clone())).is_err());
    assert_eq!(directory.counts(), [1, 2]);
    let three = slice(&[("http", 8080)], &[(1, Ready), (2, Ready), (3, Ready)]);
    directory.see_slice(Change::Seen(name(1), three.clone())).unwrap();
    let four = slice(&[("http", 8080)], &[(1, Ready), (2, Ready), (3, Ready), (4, Ready)]);
    assert!(directory.see_slice(Change::Seen(name(1), four)).is_err());
    assert_eq!(directory.counts(), [1, 0], "what it said before is not true any more");
    directory.see_slice(Change::Seen(name(2), three)).unwrap();
}
