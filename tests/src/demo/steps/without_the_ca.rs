//! Step 6: the CA is stopped; what was decided stays decided.

use anyhow::{Result, ensure};

use super::{Scene, Teller};

pub(super) fn step(teller: &Teller, scene: &mut Scene) -> Result<()> {
    teller.types("systemctl stop bulkhead-ca");
    scene.mesh.stop_ca()?;
    let url = format!("http://{}:8080/name", scene.db.pod().ipv4());
    let answer = scene.other_web.curl(&url)?;
    teller.saw(&format!("web on n2 still reads from db: {answer}"));
    teller.types("kill -9 $(pidof bulkhead-proxy); bulkhead-proxy run ...      # web's sidecar on n2");
    scene.other_web.kill_sidecar()?;
    scene.other_web.start_sidecar()?;
    scene.other_web.until_ready()?;
    lets_in(teller, scene)?;
    still_refuses(teller, scene)
}

fn lets_in(teller: &Teller, scene: &Scene) -> Result<()> {
    let db = scene.db.steal_identity("db-on-n3")?;
    let (to, authority) = ends(scene);
    teller.types(&format!("lab-rogue connect db-on-n3.pem {to} {authority} hello      # in db"));
    let answer = scene.db.rogue(&["connect", &db, &to, &authority, "hello"])?;
    teller.saw(&answer);
    ensure!(answer == "status 200 hello", "a client with db's certificate got {answer:?}");
    Ok(())
}

fn still_refuses(teller: &Teller, scene: &Scene) -> Result<()> {
    let (to, authority) = ends(scene);
    let stolen = scene.web.stolen_path("web-on-n1");
    teller.types(&format!("lab-rogue connect web-on-n1.pem {to} {authority}      # n1 was revoked in step 5"));
    let answer = scene.db.rogue(&["connect", &stolen, &to, &authority])?;
    teller.saw(&answer);
    ensure!(answer.starts_with("refused"), "a client with the certificate of web on n1 got {answer:?}");
    Ok(())
}

/// The sidecar of web on n2, and its application.
fn ends(scene: &Scene) -> (String, String) {
    let web = scene.other_web.pod().ipv4();
    (format!("{web}:15008"), format!("{web}:8080"))
}
