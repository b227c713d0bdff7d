//! Pods and nodes without a kubelet: bound by hand, with addresses that the test gives them.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_tests::kubernetes::ApiServer;
use rcgen::{KeyPair, SigningKey as _};
use serde_json::{Value, json};

/// A node by this name; its UID.
pub(crate) fn node(server: &ApiServer, name: &str, labels: &Value) -> Result<String> {
    let metadata = json!({"name": name, "labels": labels});
    uid(&server.create(&json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata}), false)?.output()?)
}

/// A service account.
pub(crate) fn account(server: &ApiServer, namespace: &str, name: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": namespace});
    server.create(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}), false)?.output()?;
    Ok(())
}

/// A pod on a node, as one that a kubelet has just been given; its UID.
pub(crate) fn pod(server: &ApiServer, namespace: &str, name: &str, account: &str, node: &str) -> Result<String> {
    let container = |name: &str| json!({"name": name, "image": "app:1"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"serviceAccountName": account, "containers": [container("app"), container("bulkhead-proxy")]},
    });
    let uid = uid(&server.create(&pod, false)?.output()?)?;
    let target = json!({"apiVersion": "v1", "kind": "Node", "name": node});
    let metadata = json!({"name": name, "namespace": namespace});
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target});
    server.create(&binding, false)?.output()?;
    Ok(uid)
}

/// Says of a pod what its kubelet would.
pub(crate) fn status(server: &ApiServer, namespace: &str, name: &str, phase: &str, address: &str) -> Result<()> {
    let status = json!({"status": {"phase": phase, "podIP": address, "podIPs": [{"ip": address}]}}).to_string();
    let patch = ["patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", &status];
    server.kubectl(&patch)?.output().map(drop)
}

/// Removes a pod at once, as a kubelet does when its containers have ended.
pub(crate) fn remove(server: &ApiServer, namespace: &str, name: &str) -> Result<()> {
    server.kubectl(&["delete", "pod", name, "-n", namespace, "--force", "--grace-period=0"])?.output().map(drop)
}

/// A token of an account, bound to a pod where one is named.
pub(crate) fn token(
    server: &ApiServer,
    namespace: &str,
    account: &str,
    audience: &str,
    pod: Option<(&str, &str)>,
) -> Result<String> {
    let mut words = vec!["create", "token", account, "-n", namespace, "--audience", audience];
    if let Some((name, uid)) = pod {
        words.extend(["--bound-object-kind", "Pod", "--bound-object-name", name, "--bound-object-uid", uid]);
    }
    Ok(server.kubectl(&words)?.output()?.trim().to_owned())
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).context("a token has three parts")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// A token with these claims, signed by this key.
pub(crate) fn forge(claims: &Value, key: &KeyPair) -> Result<String> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT"})), part(claims));
    let signature = fixed(&key.sign(signed.as_bytes())?)?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A signature of two numbers in DER as JWS writes it: each in 32 bytes (RFC 7518, section 3.4).
fn fixed(der: &[u8]) -> Result<Vec<u8>> {
    let mut rest = der.get(2..).context("a signature is a sequence")?;
    let mut both = Vec::new();
    for _ in 0..2 {
        let length = usize::from(*rest.get(1).context("a number has a length")?);
        let number = rest.get(2..2 + length).context("a number has its bytes")?;
        let number = &number[number.len().saturating_sub(32)..];
        both.extend(std::iter::repeat_n(0, 32 - number.len()).chain(number.iter().copied()));
        rest = &rest[2 + length..];
    }
    ensure!(rest.is_empty(), "a signature has two numbers");
    Ok(both)
}

fn uid(object: &str) -> Result<String> {
    let object: Value = serde_json::from_str(object)?;
    Ok(object["metadata"]["uid"].as_str().context("what was made has a UID")?.to_owned())
}
