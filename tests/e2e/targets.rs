//! What a peer with a good certificate may not ask for.

use anyhow::{Result, ensure};
use bulkhead_lab::until;
use bulkhead_tests::DEADLINE;

use crate::pair::Pair;

#[test]
fn a_tunnel_leads_to_the_workload_itself_and_nowhere_else() -> Result<()> {
    let pair = Pair::start()?;
    let stolen = pair.web.steal_identity("web")?;
    let (db, web) = (pair.db.pod().ipv4(), pair.web.pod().ipv4());
    let to = format!("{db}:15008");
    for authority in [
        "127.0.0.1:8080".to_owned(),
        "169.254.169.254:80".to_owned(),
        format!("{web}:8080"),
        "0.0.0.0:8080".to_owned(),
        format!("{db}:15001"),
        format!("{db}:15006"),
        format!("{db}:15008"),
        format!("{db}:15021"),
        format!("{db}:0"),
        "db.shop:8080".to_owned(),
    ] {
        let answer = pair.web.rogue(&["connect", &stolen, &to, &authority])?;
        let refused = answer.starts_with("status 4") || answer.starts_with("status 5");
        ensure!(refused, "CONNECT to {authority} was answered {answer:?}");
    }
    let answer = pair.web.rogue(&["connect", &stolen, &to, &format!("{db}:8081"), "hello"])?;
    ensure!(answer == "status 200 hello", "the workload itself answered {answer:?}");
    Ok(())
}

#[test]
fn only_a_workload_of_this_mesh_opens_a_tunnel() -> Result<()> {
    let pair = Pair::start()?;
    let stolen = |name: &str, text: String| {
        let file = pair.web.stolen_path(name);
        std::fs::write(&file, text).map(|()| file)
    };
    let node = stolen("node", pair.nodes[0].stolen_identity()?)?;
    let operator = stolen("operator", pair.mesh.operator().identity()?)?;
    let stranger = pair.mesh.lab().host("stranger")?;
    let db = pair.db.pod().ipv4();
    for identity in ["none", "self-signed", "other-authority", &node, &operator] {
        let words = ["connect", identity, &format!("{db}:15008"), &format!("{db}:8080")];
        let answer =
            stranger.command(pair.web.rogue_program()?).args(words).run(DEADLINE)?.success("lab-rogue")?.stdout;
        ensure!(answer.starts_with("refused"), "{identity} got {answer:?}");
    }
    Ok(())
}

#[test]
fn whoever_opens_the_tunnel_port_and_says_nothing_or_garbage_is_dropped() -> Result<()> {
    let pair = Pair::start()?;
    let stranger = pair.mesh.lab().host("stranger")?;
    let port = format!("{}:15008", pair.db.pod().ipv4());
    for role in ["silent", "garbage"] {
        // The program's own deadline is the verdict: whoever is held open does not end.
        stranger.command(pair.web.application_program()?).args([role, &port]).run(DEADLINE)?.success(role)?;
    }
    let counted = until(DEADLINE, "both are counted", || {
        let metrics = pair.db.metrics().ok()?;
        let refused = metrics.lines().filter(|line| line.starts_with("bulkhead_") && line.contains("handshake"));
        let sum: f64 = refused.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        (sum >= 2.0).then_some(())
    });
    Ok(counted?)
}
