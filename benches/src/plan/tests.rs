//! What is planned, and that it fits into the time that there is.

use super::*;

#[test]
fn a_plan_has_the_rows_that_were_asked_for() {
    //    length        families                                   rows
    check(Length::Full, &[Family::Bulk], &["bulk-up-1", "bulk-up-4", "bulk-down-1", "bulk-down-4"]);
    check(Length::Full, &[Family::PingPong, Family::Connect], &["ping-pong-1", "ping-pong-32", "connect-16"]);
    check(Length::Full, &[Family::Http], &["http-capacity", "http-25", "http-50", "http-75"]);
    check(Length::Full, &[Family::Grpc], &["grpc-capacity", "grpc-25", "grpc-50", "grpc-75"]);
    check(Length::Full, &[Family::Ready, Family::Memory], &["memory", "ready"]);
    check(Length::Full, &[Family::Rules], &["rules-ping-pong-1", "rules-connect-16", "rules-bulk-down-1"]);
    check(Length::Full, &[Family::Revocation], &["revocation-100", "revocation-1000"]);
    check(Length::Quick, &[Family::Bulk, Family::Grpc], &["bulk-down-1", "grpc-capacity", "grpc-50"]);
    check(Length::Quick, &[Family::Cutoffs, Family::Revocation], &["cutoffs-connect-16", "revocation-20"]);
}

fn check(length: Length, families: &[Family], expected: &[&str]) {
    let rows = Plan::new(length, all_arms(), families).rows;
    assert_eq!(rows.iter().map(|row| &*row.name).collect::<Vec<_>>(), expected);
}

#[test]
fn an_arm_is_asked_only_what_it_can_answer() {
    let plan = Plan::new(Length::Full, all_arms(), &Family::ALL);
    for (row, first, last, how_many) in [
        ("bulk-up-1", "none", "bulkhead", 7),
        ("handshake-16", "haproxy", "bulkhead", 5),
        ("memory", "relay", "bulkhead", 6),
        ("ready", "relay", "bulkhead", 6),
        ("rules-connect-16", "bulkhead", "bulkhead@rules-10000", 3),
        ("cutoffs-connect-16", "bulkhead", "bulkhead@cutoffs-1000000", 3),
        ("revocation-100", "bulkhead", "bulkhead", 1),
    ] {
        let arms = &plan.rows.iter().find(|planned| planned.name == row).unwrap().arms;
        let ends = (&*arms.first().unwrap().0, &*arms.last().unwrap().0);
        assert_eq!((ends, arms.len()), ((first, last), how_many), "{row}");
    }
}

#[test]
fn without_bulkhead_there_are_no_pairs_and_none_of_its_own_rows() {
    let plan = Plan::new(Length::Full, vec![PlannedArm::named("none"), PlannedArm::named("relay")], &Family::ALL);
    assert!(plan.rows.iter().all(|row| !row.paired && !row.family.is_of_bulkhead_alone()));
    assert!(plan.rows.iter().all(|row| row.family != Family::Handshake), "nobody has handshakes");
}

#[test]
fn pairs_are_many_where_the_figure_is_a_ratio() {
    let plan = Plan::new(Length::Full, all_arms(), &Family::ALL);
    for row in &plan.rows {
        let expected = match row.family {
            Family::Bulk | Family::PingPong | Family::Connect | Family::Handshake => 15,
            Family::Http | Family::Grpc | Family::Rules | Family::Cutoffs => 6,
            _ => 3,
        };
        assert_eq!(row.rounds, expected, "{}", row.name);
    }
}

#[test]
fn a_name_is_of_one_row_only() {
    let plan = Plan::new(Length::Full, all_arms(), &Family::ALL);
    let mut names: Vec<_> = plan.rows.iter().map(|row| &row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), plan.rows.len());
}

#[test]
fn the_time_that_there_is_is_enough() {
    for (length, most) in [(Length::Full, 95.0), (Length::Quick, 5.5)] {
        let minutes = Plan::new(length, all_arms(), &Family::ALL).seconds() / 60.0;
        assert!(minutes < most, "{length:?} takes {minutes:.1} minutes");
    }
}

#[test]
fn a_setting_is_needed_until_its_last_row() {
    let plan = Plan::new(Length::Full, all_arms(), &[Family::Rules, Family::Cutoffs]);
    let setting = ArmName("bulkhead@rules-100".to_owned());
    for (row, needed) in [(0, true), (2, true), (3, false)] {
        assert_eq!(plan.needs_from(row, &setting), needed, "{row}");
    }
}

#[test]
fn bulkhead_is_looked_at_under_bulk_ping_pong_and_connect() {
    let rows = |arms| {
        let profiles = Plan::new(Length::Full, arms, &Family::ALL).profiles;
        profiles.into_iter().map(|profile| profile.row).collect::<Vec<_>>()
    };
    assert_eq!(rows(all_arms()), ["bulk-down-1", "ping-pong-32", "connect-16"]);
    assert!(rows(vec![PlannedArm::named("relay")]).is_empty());
    assert!(Plan::new(Length::Full, all_arms(), &[Family::Bulk]).profiles.is_empty());
}

#[test]
fn the_list_says_what_would_be_done() {
    let arms = vec![PlannedArm::named("none"), PlannedArm::named("bulkhead")];
    let plan = Plan::new(Length::Quick, arms, &[Family::Http, Family::Revocation, Family::Profile]);
    let expected = "arms: none, bulkhead

http-capacity   3 x 2       5 s  HTTP/1.1 requests on 32 connections, the next request when the one before was answered
http-50         3 x 2       5 s  HTTP/1.1 requests on 32 connections at 50 % of what the slowest arm can
revocation-20   3 x 1      18 s  a node is revoked while 20 proxies watch
profile of bulk-down-1: 5 s
profile of ping-pong-32: 5 s
profile of connect-16: 5 s

3 rows, about 51 s
";
    assert_eq!(list(&plan), expected);
}

/// All arms that there are.
fn all_arms() -> Vec<PlannedArm> {
    ["none", "relay", "haproxy", "nginx", "envoy-tls", "envoy-connect", "bulkhead"].map(PlannedArm::named).to_vec()
}
