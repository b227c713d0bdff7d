//! The certificate by which the API server knows the injector.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_tests::DEADLINE;
use serde_json::json;

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
    let generations: serde_json::Value = serde_json::from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
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
