//! Look-ups: what stands at an address, signed, and told again whenever it changes.

use bulkhead_mesh::{Entry, Resolution};
use bulkhead_protocol::feed::{AddressAnswer, Limits};
use bulkhead_protocol::v1::{self, watch_reply::Message, watch_request};
use tonic::Code;

use crate::people::Identity;
use crate::story::assert_refused;
use crate::watcher::Watcher;
use crate::world::World;

const WEB: [u8; 4] = [10, 77, 0, 1];
const OTHER_WEB: [u8; 4] = [10, 77, 0, 2];
const SERVICE: [u8; 4] = [10, 77, 1, 1];
const NOBODY: [u8; 4] = [10, 77, 9, 9];

/// One node, and a workload on it that watches.
async fn watching(world: &World) -> (Identity, Watcher) {
    let node = world.node("n1").await;
    let client = world.workload(&node, "ns/shop/sa/client", [10, 77, 0, 100]).await;
    (node, Watcher::settled(world, &client).await.0)
}

impl World {
    /// Reads on to the next answer.
    pub(crate) async fn answer(&self, watcher: &mut Watcher) -> AddressAnswer {
        let signed = watcher.until(|message| if let Message::Address(signed) = message { Some(signed) } else { None });
        let verifier = self.ca().authority.feed_signer().unwrap().verifier().unwrap();
        AddressAnswer::decode(&verifier.address(signed.await).unwrap(), &Limits::default()).unwrap()
    }

    async fn service(&self, workload: &str) -> v1::ServiceRecord {
        let request = v1::CreateServiceRequest {
            name: "shop".to_owned(),
            address: SERVICE.to_vec(),
            port: 80,
            workload: workload.to_owned(),
            target_port: 8080,
        };
        self.owner().await.create_service(request).await.unwrap().into_inner()
    }
}

fn endpoints(answer: &AddressAnswer) -> Vec<String> {
    let Resolution::Service(service) = &answer.resolution else { panic!("{answer:?}") };
    let [port] = service.ports() else { panic!("{service:?}") };
    assert_eq!(port.port, 80);
    port.endpoints.iter().map(|endpoint| format!("{}:{}", endpoint.address, endpoint.port)).collect()
}

#[tokio::test]
async fn a_registered_address_is_answered_in_every_field_and_again_when_it_is_removed() {
    let world = World::new().await;
    let (_, mut watcher) = watching(&world).await;
    let web = world.register("n1", "ns/shop/sa/web", WEB).await;
    watcher.look_up(WEB).await;
    let first = world.answer(&mut watcher).await;
    let Resolution::Entry(Entry::Workload { id, node, instance }) = &first.resolution else { panic!("{first:?}") };
    assert_eq!(id.to_string(), "spiffe://prod.example/ns/shop/sa/web");
    assert_eq!((node.node.as_str(), instance.as_bytes().to_vec()), ("n1", web.id.clone()));
    world.remove(&web).await;
    let second = world.answer(&mut watcher).await;
    assert_eq!((second.address, second.resolution), (first.address, Resolution::Unknown));
    assert!(second.version > first.version);
}

#[tokio::test]
async fn a_service_is_answered_with_its_living_endpoints_and_again_when_one_of_them_goes() {
    let world = World::new().await;
    let (_, mut watcher) = watching(&world).await;
    world.node("n2").await;
    world.register("n1", "ns/shop/sa/web", WEB).await;
    world.register("n2", "ns/shop/sa/web", OTHER_WEB).await;
    assert_eq!(world.service("ns/shop/sa/web").await.endpoints, 2);
    watcher.look_up(SERVICE).await;
    assert_eq!(endpoints(&world.answer(&mut watcher).await), ["10.77.0.1:8080", "10.77.0.2:8080"]);
    world.revoke("n2").await;
    assert_eq!(endpoints(&world.answer(&mut watcher).await), ["10.77.0.1:8080"]);
}

#[tokio::test]
async fn where_nothing_stands_that_is_the_answer_until_something_does() {
    let world = World::new().await;
    let (_, mut watcher) = watching(&world).await;
    watcher.look_up(NOBODY).await;
    assert_eq!(world.answer(&mut watcher).await.resolution, Resolution::Unknown);
    world.register("n1", "ns/shop/sa/web", NOBODY).await;
    assert!(matches!(world.answer(&mut watcher).await.resolution, Resolution::Entry(_)));
}

#[tokio::test]
async fn an_address_that_was_forgotten_is_not_told_again() {
    let world = World::new().await;
    let (_, mut watcher) = watching(&world).await;
    for address in [WEB, NOBODY] {
        watcher.look_up(address).await;
        world.answer(&mut watcher).await;
    }
    watcher.say(watch_request::Message::Forget(v1::Forget { address: WEB.to_vec() })).await;
    // Its answer comes after the CA has heard that the other is forgotten.
    watcher.look_up(NOBODY).await;
    world.answer(&mut watcher).await;
    world.register("n1", "ns/shop/sa/web", WEB).await;
    world.register("n1", "ns/shop/sa/api", NOBODY).await;
    assert_eq!(world.answer(&mut watcher).await.address, std::net::IpAddr::from(NOBODY));
}

#[tokio::test]
async fn a_watcher_of_too_many_addresses_is_dropped_by_the_limit_that_was_set() {
    let world = World::with(|options| options.settings.watch.addresses = 2).await;
    let (_, mut watcher) = watching(&world).await;
    for address in [WEB, NOBODY, WEB] {
        watcher.look_up(address).await;
        world.answer(&mut watcher).await;
    }
    watcher.look_up(SERVICE).await;
    let ended = watcher.ended().await;
    assert_refused(Err::<(), _>(ended), Code::ResourceExhausted, "one watcher may use 2 addresses at a time");
}
