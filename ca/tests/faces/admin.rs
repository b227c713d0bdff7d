//! Admin: which operator may do what, and what a policy may not change.

use bulkhead_ca::store::{Lane, Role};
use bulkhead_protocol::v1::{ApplyPolicyRequest, CreateTokenRequest, ShowPolicyRequest, StatusRequest};
use tonic::Code;

use crate::story::assert_refused;
use crate::world::World;

#[tokio::test]
async fn each_role_may_do_what_its_class_of_calls_says_and_no_more() {
    let world = World::new().await;
    let robot = world.add_operator("robot", Role::Responder).await;
    let deputy = world.add_operator("deputy", Role::Operator).await;
    let owner = world.founder.clone();
    let roles = [(&robot, false, false), (&deputy, true, false), (&owner, true, true)];
    for (who, may_work, may_loosen) in roles {
        let mut admin = world.admin(who).await;
        admin.status(StatusRequest {}).await.unwrap();
        let worked = admin.create_token(token()).await.map(drop);
        let loosened = admin.apply_policy(policy("default: dominates\n")).await.map(drop);
        for (answer, may, needs) in [(worked, may_work, "operator"), (loosened, may_loosen, "owner")] {
            match (may, answer) {
                (true, answer) => answer.unwrap(),
                (false, answer) => assert_refused(answer, Code::PermissionDenied, &format!("needs the role {needs}")),
            }
        }
    }
}

#[tokio::test]
async fn an_operator_who_was_removed_is_refused_on_the_connection_that_stands() {
    let world = World::new().await;
    let deputy = world.add_operator("deputy", Role::Operator).await;
    let mut admin = world.admin(&deputy).await;
    admin.status(StatusRequest {}).await.unwrap();
    world.ca().store.write(Lane::Ordinary, |tx| tx.remove_operator(&"deputy".parse().unwrap())).await.unwrap();
    let refused = admin.status(StatusRequest {}).await;
    assert_refused(refused, Code::PermissionDenied, "`spiffe://prod.example/operator/deputy` is no operator");
}

#[tokio::test]
async fn a_policy_is_refused_with_its_line_and_leaves_the_old_one_in_force() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    let (before, head) = (shown(&world).await, world.audit_head().await);
    let refused = owner.apply_policy(policy("default: same-label\nrulez: []\n")).await;
    assert_refused(refused, Code::InvalidArgument, "line 2");
    let renumbered = "levels:\n  - { name: public, number: 6 }\n  - { name: internal, number: 12 }\n";
    let refused = owner.apply_policy(policy(renumbered)).await;
    assert_refused(refused, Code::FailedPrecondition, "level `internal` had the number 7 and would have 12");
    assert_eq!((shown(&world).await, world.audit_head().await), (before, head));
}

#[tokio::test]
async fn a_level_that_a_policy_brought_keeps_its_number_in_the_next() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    let levels = |number| {
        format!(
            "levels:\n  - {{ name: public, number: 6 }}\n  - {{ name: internal, number: 7 }}\n  - {{ name: confidential, \
             number: 8 }}\n  - {{ name: restricted, number: 9 }}\n  - {{ name: secret, number: {number} }}\n"
        )
    };
    owner.apply_policy(policy(&levels(10))).await.unwrap();
    let refused = owner.apply_policy(policy(&levels(11))).await;
    assert_refused(refused, Code::FailedPrecondition, "level `secret` had the number 10 and would have 11");
    let refused = owner.apply_policy(policy("default: none\n")).await;
    assert_refused(refused, Code::FailedPrecondition, "level `secret` had the number 10 and would have none");
}

async fn shown(world: &World) -> String {
    world.owner().await.show_policy(ShowPolicyRequest {}).await.unwrap().into_inner().json
}

fn token() -> CreateTokenRequest {
    CreateTokenRequest { node: "n1".to_owned(), clearance: "internal".to_owned(), lifetime_seconds: 60 }
}

fn policy(yaml: &str) -> ApplyPolicyRequest {
    ApplyPolicyRequest { yaml: yaml.to_owned() }
}
