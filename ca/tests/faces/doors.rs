//! Who reaches which face: every kind of caller at every door.

use bulkhead_protocol::v1::admin_client::AdminClient;
use bulkhead_protocol::v1::issuance_client::IssuanceClient;
use bulkhead_protocol::v1::join_client::JoinClient;
use bulkhead_protocol::v1::{JoinRequest, StatusRequest};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::people::{Applicant, Identity};
use crate::story::{issue_over, renew_over};
use crate::watcher::Watcher;
use crate::world::World;

/// What each door says to somebody who knocks: the call's own answer, or why not.
pub(crate) struct Answers {
    pub(crate) join: Result<(), Status>,
    pub(crate) issue: Result<(), Status>,
    pub(crate) renew: Result<(), Status>,
    pub(crate) watch: Result<(), Status>,
    pub(crate) admin: Result<(), Status>,
}

/// Knocks at every door with one connection.
pub(crate) async fn knock(channel: Channel, secret: &[u8], registration: &[u8]) -> Answers {
    let mut issuance = IssuanceClient::new(channel.clone());
    let applicant = Applicant::new();
    let request = JoinRequest { secret: secret.to_vec(), csr: applicant.csr() };
    Answers {
        join: JoinClient::new(channel.clone()).join(request).await.map(drop),
        issue: issue_over(&mut issuance, registration).await.map(drop),
        watch: Watcher::open(channel.clone()).await.map(drop),
        admin: AdminClient::new(channel).status(StatusRequest {}).await.map(drop),
        renew: renew_over(&mut issuance, &applicant).await.map(drop),
    }
}

impl Answers {
    pub(crate) fn says(self) -> [&'static str; 5] {
        [self.join, self.issue, self.renew, self.watch, self.admin].map(|answer| match answer {
            Ok(()) => "yes",
            Err(status) if status.code() == Code::PermissionDenied => "no",
            Err(status) => panic!("{status:?}"),
        })
    }
}

#[tokio::test]
async fn each_door_opens_for_its_own_callers_only() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let registration = world.register("n1", "ns/shop/sa/web", [10, 77, 0, 1]).await;
    let web = world.issue(&node, &registration).await.unwrap();
    let (founder, token) = (world.founder.clone(), world.token("n2", "restricted").await);
    let callers: [(Option<&Identity>, [&str; 5]); 4] = [
        //               join   issue  renew  watch  admin
        (Some(&node), ["no", "yes", "yes", "yes", "no"]),
        (Some(&web), ["no", "no", "no", "yes", "no"]),
        (Some(&founder), ["no", "no", "no", "no", "yes"]),
        (None, ["yes", "no", "no", "no", "no"]),
    ];
    for (who, expected) in callers {
        let channel = world.connect(who).await.unwrap();
        let answers = knock(channel, token.secret.as_bytes(), &registration.id).await;
        assert_eq!(answers.says(), expected, "{:?}", who.map(|who| who.leaf().content.id));
    }
}

#[tokio::test]
async fn a_refusal_says_what_the_caller_is_and_what_was_wanted() {
    let world = World::new().await;
    let node = world.node("n1").await;
    let answers = knock(world.channel(&node).await, &[1; 32], &[2; 16]).await;
    let (join, admin) = (answers.join.unwrap_err(), answers.admin.unwrap_err());
    assert_eq!(admin.message(), "`spiffe://prod.example/node/n1` is not an operator");
    let says = "`spiffe://prod.example/node/n1` has a certificate, and this call takes no certificate";
    assert_eq!(join.message(), says);
    let answers = knock(world.connect(None).await.unwrap(), &[1; 32], &[2; 16]).await;
    let says = "this call needs a certificate, and the caller showed none\nhint: only Join and Attest take a caller without a certificate";
    assert_eq!(answers.watch.unwrap_err().message(), says);
}
