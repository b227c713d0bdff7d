//! What a pod's token is worth to the real CA, which asks a real API server with exactly the rights that it needs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bulkhead_identity::tls::{Connector, CurrentTruth, Trust};
use bulkhead_identity::{AcceptedIssuers, Clock, Leaf, Limits, TrustBundle, Truth, profile};
use bulkhead_mesh::{CutoffSet, Levels, Timestamp};
use bulkhead_protocol::transport::{ConnectLimits, connect};
use bulkhead_protocol::v1::AttestRequest;
use bulkhead_protocol::v1::attestation_client::AttestationClient;
use bulkhead_tests::kubernetes::{ApiServer, Authority};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tonic::{Code, Status};

use crate::mesh::server;
use crate::pods::{account, claims, forge, node, pod, remove, status, token};

const SYSTEM: &str = "bulkhead-tokens";
const SHOP: &str = "shop-tokens";
const AUDIENCE: &str = "bulkhead-ca";

#[tokio::test]
async fn a_token_is_worth_what_its_pod_is_at_this_moment() {
    let scene = Scene::start().unwrap();
    scene.nodes_join_by_their_agents_tokens().await;
    let web = scene.a_pod_gets_the_certificate_of_its_account().await;
    scene.what_is_not_a_pods_token_of_this_cluster_is_refused(&web).await;
    scene.another_machine_is_another_node().await;
    scene.a_deleted_pods_token_is_worthless_while_the_api_server_still_vouches_for_it(&web).await;
    scene.the_directorys_source_is_known_by_its_account().await;
}

struct Scene {
    server: Arc<ApiServer>,
    authority: Authority,
}

impl Scene {
    fn start() -> Result<Self> {
        let server = server();
        for namespace in [SYSTEM, SHOP] {
            server.namespace(namespace, &json!({}))?;
        }
        for name in ["bulkhead-ca", "bulkhead-agent", "bulkhead-controller"] {
            account(&server, SYSTEM, name)?;
        }
        account(&server, SHOP, "web")?;
        allow(&server)?;
        let labels = "- { namespace: shop-tokens, service-account: web, label: 'confidential:pci' }\n";
        let metadata = json!({"name": "bulkhead-labels", "namespace": SYSTEM});
        let labels =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"labels.yaml": labels}});
        server.create(&labels, false)?.output()?;
        let kubeconfig = server.kubeconfig_of(SYSTEM, "bulkhead-ca")?;
        let authority = Authority::start(
            &kubeconfig,
            &[
                "--agent-account=bulkhead-tokens/bulkhead-agent",
                "--directory-account=bulkhead-tokens/bulkhead-controller",
                "--node-admission=auto",
                "--node-clearance=internal",
                "--bindings=bulkhead-tokens/bulkhead-labels",
                "--bindings-interval=1s",
            ],
        )?;
        Ok(Self { server, authority })
    }

    async fn nodes_join_by_their_agents_tokens(&self) {
        let clearance = json!({"node-restriction.kubernetes.io/bulkhead-clearance": "confidential.pci.eu"});
        node(&self.server, "tokens-a", &clearance).unwrap();
        node(&self.server, "tokens-b", &json!({})).unwrap();
        for (name, agent) in [("tokens-a", "agent-a"), ("tokens-b", "agent-b")] {
            let uid = pod(&self.server, SYSTEM, agent, "bulkhead-agent", name).unwrap();
            let token = self.token(SYSTEM, "bulkhead-agent", agent, &uid);
            let leaf = self.attest(&token).await.unwrap();
            assert_eq!(leaf.content.id.to_string(), format!("spiffe://prod.example/node/{name}"));
        }
    }

    /// The name, UID and token of a running pod of `web` on the first node.
    async fn a_pod_gets_the_certificate_of_its_account(&self) -> Web {
        let uid = pod(&self.server, SHOP, "web-1", "web", "tokens-a").unwrap();
        let token = self.token(SHOP, "web", "web-1", &uid);
        self.refused(&token, Code::Unavailable, "pod `shop-tokens/web-1` has no address yet").await;
        status(&self.server, SHOP, "web-1", "Running", "10.244.1.7").unwrap();
        let leaf = self.attest(&token).await.unwrap();
        let content = &leaf.content;
        assert_eq!(content.id.to_string(), "spiffe://prod.example/ns/shop-tokens/sa/web");
        assert_eq!(content.label.as_ref().unwrap().to_string(), "confidential:pci");
        assert_eq!(content.node.as_ref().unwrap().to_string(), "tokens-a/1");
        assert_eq!(content.instance.unwrap().to_string(), uid.replace('-', ""));
        // The other node is cleared for less.
        let uid = pod(&self.server, SHOP, "web-2", "web", "tokens-b").unwrap();
        status(&self.server, SHOP, "web-2", "Running", "10.244.2.7").unwrap();
        let elsewhere = self.token(SHOP, "web", "web-2", &uid);
        let says = "label `confidential:pci` is outside the clearance of node `tokens-b`, which is `internal`";
        self.refused(&elsewhere, Code::PermissionDenied, says).await;
        Web { token, uid: claims_uid(&leaf) }
    }

    async fn what_is_not_a_pods_token_of_this_cluster_is_refused(&self, web: &Web) {
        let server = &self.server;
        let bound = Some(("web-1", web.uid.as_str()));
        let other_audience = token(server, SHOP, "web", "vault", bound).unwrap();
        self.refused(&other_audience, Code::PermissionDenied, "the API server does not accept the token").await;
        let unbound = token(server, SHOP, "web", AUDIENCE, None).unwrap();
        self.refused(&unbound, Code::PermissionDenied, "the token of `ns/shop-tokens/sa/web` is bound to no pod").await;
        let own = KeyPair::from_pem(&server.accounts_key().unwrap()).unwrap();
        let claims = claims(&web.token).unwrap();
        // The same claims signed once more are a token as good as the API server's: so the forger forges well.
        self.attest(&forge(&claims, &own).unwrap()).await.unwrap();
        let mut past = claims.clone();
        let hours_ago = seconds_since_1970() - 7200;
        (past["iat"], past["nbf"], past["exp"]) = (json!(hours_ago), json!(hours_ago), json!(hours_ago + 3600));
        self.refused(&forge(&past, &own).unwrap(), Code::PermissionDenied, "expired").await;
        let foreign = forge(&claims, &KeyPair::generate().unwrap()).unwrap();
        self.refused(&foreign, Code::PermissionDenied, "the API server does not accept the token").await;
        for (text, code, says) in [
            ("", Code::PermissionDenied, "there is no token"),
            ("nonsense", Code::PermissionDenied, "the API server does not accept the token"),
            (&"x".repeat(16 * 1024 + 1), Code::PermissionDenied, "a token has at most 16384 bytes, not 16385"),
        ] {
            self.refused(text, code, says).await;
        }
    }

    async fn another_machine_is_another_node(&self) {
        let server = &self.server;
        server.kubectl(&["delete", "node", "tokens-b"]).unwrap().output().unwrap();
        let machine =
            node(server, "tokens-b", &json!({"node-restriction.kubernetes.io/bulkhead-clearance": "confidential.pci"}))
                .unwrap();
        let uid = pod(server, SHOP, "web-3", "web", "tokens-b").unwrap();
        status(server, SHOP, "web-3", "Running", "10.244.2.8").unwrap();
        let token = self.token(SHOP, "web", "web-3", &uid);
        let says = format!("node `tokens-b` is in the cluster with the UID {machine}");
        self.refused(&token, Code::PermissionDenied, &says).await;
        let agent = pod(server, SYSTEM, "agent-c", "bulkhead-agent", "tokens-b").unwrap();
        self.attest(&self.token(SYSTEM, "bulkhead-agent", "agent-c", &agent)).await.unwrap();
        self.attest(&token).await.unwrap();
        node(server, "tokens-c", &json!({})).unwrap();
        let uid = pod(server, SHOP, "web-4", "web", "tokens-c").unwrap();
        status(server, SHOP, "web-4", "Running", "10.244.3.7").unwrap();
        self.refused(&self.token(SHOP, "web", "web-4", &uid), Code::Unavailable, "has not joined the mesh yet").await;
    }

    async fn a_deleted_pods_token_is_worthless_while_the_api_server_still_vouches_for_it(&self, web: &Web) {
        let server = &self.server;
        self.attest(&web.token).await.unwrap();
        remove(server, SHOP, "web-1").unwrap();
        self.refused(&web.token, Code::PermissionDenied, "there is no pod `shop-tokens/web-1` any more").await;
        let uid = pod(server, SHOP, "web-1", "web", "tokens-a").unwrap();
        status(server, SHOP, "web-1", "Running", "10.244.1.7").unwrap();
        self.refused(&web.token, Code::PermissionDenied, "the token is for an earlier pod `shop-tokens/web-1`").await;
        let next = self.token(SHOP, "web", "web-1", &uid);
        self.attest(&next).await.unwrap();
        // One that was told to end and drains is served; one that has ended is not.
        let end = ["delete", "pod", "web-1", "-n", SHOP, "--grace-period=600", "--wait=false"];
        server.kubectl(&end).unwrap().output().unwrap();
        self.attest(&next).await.unwrap();
        status(server, SHOP, "web-1", "Succeeded", "10.244.1.7").unwrap();
        self.refused(&next, Code::PermissionDenied, "pod `shop-tokens/web-1` has ended").await;
    }

    async fn the_directorys_source_is_known_by_its_account(&self) {
        let uid = pod(&self.server, SYSTEM, "controller", "bulkhead-controller", "tokens-c").unwrap();
        let token = self.token(SYSTEM, "bulkhead-controller", "controller", &uid);
        let leaf = self.attest(&token).await.unwrap();
        assert_eq!(leaf.content.id.to_string(), "spiffe://prod.example/control/directory");
    }

    fn token(&self, namespace: &str, account: &str, pod: &str, uid: &str) -> String {
        token(&self.server, namespace, account, AUDIENCE, Some((pod, uid))).unwrap()
    }

    /// Asks over a connection of its own, as a sidecar does.
    async fn attest(&self, token: &str) -> Result<Leaf, Status> {
        let mut client =
            AttestationClient::new(self.stranger().await.map_err(|error| Status::unknown(format!("{error:#}")))?);
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
        let reply = client.attest(AttestRequest { token: token.to_owned(), csr }).await?.into_inner();
        assert_eq!(reply.chain.len(), 2);
        Ok(profile::inspect(&reply.chain[0], &Levels::default(), &Limits::default()).unwrap())
    }

    async fn stranger(&self) -> Result<tonic::transport::Channel> {
        let roots = std::fs::read_to_string(self.authority.roots())?;
        let trust = Trust {
            bundle: Arc::new(TrustBundle::from_pem("prod.example".parse()?, &roots)?),
            truth: Arc::new(AnyIssuer),
            clock: Arc::new(WallClock),
            limits: Limits::default(),
        };
        let connector = Connector::new(None, trust, &[b"h2"])?;
        Ok(connect(&[self.authority.address().to_owned()], &connector, ConnectLimits::default()).await?)
    }

    async fn refused(&self, token: &str, code: Code, says: &str) {
        let status = self.attest(token).await.expect_err(says);
        let log = || self.authority.log();
        assert!(
            status.code() == code && status.message().contains(says),
            "{code:?} with {says:?}, not {status:?}\n{}",
            log()
        );
    }
}

/// A pod's token, and its UID.
struct Web {
    token: String,
    uid: String,
}

/// The UID in a leaf, as the API server writes it.
fn claims_uid(leaf: &Leaf) -> String {
    let hex = leaf.content.instance.unwrap().to_string();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Exactly what the CA's account needs.
fn allow(server: &ApiServer) -> Result<()> {
    let rbac = "rbac.authorization.k8s.io";
    let rule = |group: &str, resource: &str, verb: &str| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
    let subject = json!([{"kind": "ServiceAccount", "name": "bulkhead-ca", "namespace": SYSTEM}]);
    let cluster_rules =
        [rule("authentication.k8s.io", "tokenreviews", "create"), rule("", "pods", "get"), rule("", "nodes", "get")];
    let mut labels = rule("", "configmaps", "get");
    labels["resourceNames"] = json!(["bulkhead-labels"]);
    for object in [
        json!({"kind": "ClusterRole", "metadata": {"name": "bulkhead-ca-tokens"}, "rules": cluster_rules}),
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": "bulkhead-ca-tokens"}, "subjects": subject,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "bulkhead-ca-tokens"}}),
        json!({"kind": "Role", "metadata": {"name": "bulkhead-ca", "namespace": SYSTEM}, "rules": [labels]}),
        json!({"kind": "RoleBinding", "metadata": {"name": "bulkhead-ca", "namespace": SYSTEM}, "subjects": subject,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "bulkhead-ca"}}),
    ] {
        let mut object = object;
        object["apiVersion"] = json!(format!("{rbac}/v1"));
        server.create(&object, false)?.output()?;
    }
    Ok(())
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// What a pod believes that knows the root and nothing else.
#[derive(Debug)]
struct AnyIssuer;

impl CurrentTruth for AnyIssuer {
    fn truth(&self) -> Arc<Truth> {
        let (levels, cutoffs) = (Levels::default(), CutoffSet::default());
        Arc::new(Truth { levels, issuers: AcceptedIssuers::AnyBelowRoot, cutoffs })
    }
}

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(seconds_since_1970())
    }
}
