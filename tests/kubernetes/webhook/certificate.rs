//! The certificate by which the API server knows the injector.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_tests::DEADLINE;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::controller::until;
use crate::injector::{
    BY_NAMESPACE, BY_POD, CONFIGURATION, NAME, OF_CHANGES, SYSTEM, Scene, Stage, app, enabled, is_injected,
};
use crate::running::Running;

/// A new one every three seconds.
#[test]
fn no_pod_is_refused_while_the_certificate_is_replaced_again_and_again() {
    let hurry = ["--certificate-lifetime=14", "--certificate-renewal=11", "--certificate-settle=2"];
    let stage = Stage::start(&hurry).unwrap();
    stage.scene.namespace("load", &enabled());
    let (began, mut pods) = (Instant::now(), 0);
    while served(&stage.injector) < 5 {
        let said = stage.scene.server.create(&app("load"), false).unwrap();
        assert!(said.done, "pod {pods} after {:?}: {}\n{}", began.elapsed(), said.complaints, stage.injector.log());
        assert!(is_injected(&said.output), "pod {pods}");
        pods += 1;
        assert!(
            began.elapsed() < 3 * DEADLINE,
            "only {} certificates:\n{}",
            served(&stage.injector),
            stage.injector.log()
        );
    }
    assert!(pods >= 20, "only {pods} pods were made meanwhile");
    let failed = r#"certificate_steps_total{step="failed"}"#;
    assert!(!stage.injector.get("/metrics").contains(failed), "{}", stage.injector.log());
}

/// How many certificates it has shown.
fn served(injector: &Running) -> u64 {
    let metrics = injector.get("/metrics");
    let line = metrics.lines().find(|line| line.contains(r#"certificate_steps_total{step="served"}"#));
    line.and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, number)| number.trim().parse().unwrap())
}

/// The API server cannot know which of two replicas a Service gives it.
#[test]
fn two_injectors_share_one_certificate_and_each_answers() {
    let scene = Scene::start().unwrap();
    let [first, second] = [(); 2].map(|()| scene.injector(&[]).unwrap());
    scene.ask(&first, &[BY_NAMESPACE]).unwrap();
    scene.ask(&second, &[BY_POD, OF_CHANGES]).unwrap();
    for injector in [&first, &second] {
        injector.until_says("/ready", "HTTP/1.1 200");
    }
    scene.namespace("asked", &enabled());
    scene.namespace("silent", &json!({}));
    let mut labelled = app("silent");
    labelled["metadata"]["labels"] = enabled();
    scene.until_injected(&app("asked"), &first);
    scene.until_injected(&labelled, &second);

    let get = |words: &[&str]| scene.kubectl(&[&["get"], words].concat()).output().unwrap();
    let bundles = get(&[CONFIGURATION, NAME, "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}"]);
    let bundles: Vec<_> = bundles.split(' ').map(|bundle| STANDARD.decode(bundle).unwrap()).collect();
    assert_eq!(bundles.len(), 3);
    for bundle in &bundles {
        let text = String::from_utf8(bundle.clone()).unwrap();
        assert_eq!((bundle, text.matches("BEGIN CERTIFICATE").count()), (&bundles[0], 1), "{text}");
    }
    let secret =
        get(&["secret", "bulkhead-injector-certificate", "-n", SYSTEM, "-o", r"jsonpath={.data.generations\.json}"]);
    let generations: Value = serde_json::from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
    assert_eq!(generations.as_array().unwrap().len(), 1);

    // An emptied Secret is filled again, and nobody is refused meanwhile.
    let empty = ["patch", "secret", "bulkhead-injector-certificate", "-n", SYSTEM, "--type=json", "-p"];
    let empty = [&empty[..], &[r#"[{"op": "remove", "path": "/data"}]"#]].concat();
    scene.kubectl(&empty).output().unwrap();
    let filled = || get(&["secret", "bulkhead-injector-certificate", "-n", SYSTEM, "-o", "jsonpath={.data}"]);
    until(
        "another certificate",
        || (scene.server.create(&app("asked"), true).unwrap(), filled()),
        |(pod, secret)| {
            assert!(pod.done, "{}", pod.complaints);
            secret.contains("generations.json")
        },
        || first.log(),
    );
}

/// As `kubectl replace`, or a tool that knows better, would do.
#[test]
fn a_bundle_that_somebody_takes_away_is_written_again_and_nothing_beside_it() {
    let stage = Stage::start(&[]).unwrap();
    stage.scene.namespace("bundle", &enabled());
    let gone =
        [0, 1, 2].map(|webhook| json!({"op": "remove", "path": format!("/webhooks/{webhook}/clientConfig/caBundle")}));
    let gone = json!(gone).to_string();
    stage.scene.kubectl(&["patch", CONFIGURATION, NAME, "--type=json", "-p", &gone]).output().unwrap();
    stage.scene.until_injected(&app("bundle"), &stage.injector);
    let words = ["get", CONFIGURATION, NAME, "-o", "json", "--show-managed-fields"];
    let configuration: Value = serde_json::from_str(&stage.scene.kubectl(&words).output().unwrap()).unwrap();
    let managers = configuration["metadata"]["managedFields"].as_array().unwrap();
    let ours = managers.iter().find(|one| one["manager"] == "bulkhead-injector").unwrap();
    let webhooks = ours["fieldsV1"]["f:webhooks"].as_object().unwrap();
    assert_eq!((&ours["operation"], webhooks.len()), (&json!("Apply"), 3));
    for fields in webhooks.values() {
        let fields: Vec<_> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, [".", "f:clientConfig", "f:name"]);
    }
    for (webhook, fields) in webhooks {
        assert_eq!(fields["f:clientConfig"], json!({"f:caBundle": {}}), "{webhook}");
    }
}

/// Whoever reaches the port may not hold what the API server needs.
#[test]
fn a_connection_over_which_nothing_is_asked_is_closed() {
    let stage = Stage::start(&["--handshake-timeout=1"]).unwrap();
    let words = ["get", CONFIGURATION, NAME, "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}"];
    let bundle = STANDARD.decode(stage.scene.kubectl(&words).output().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let address = stage.injector.said("listen").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let connection = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    stream.flush().unwrap();
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}"),
    }
    assert!(!stream.conn.is_handshaking(), "it was closed before it was a connection");
}
