//! Whose token it is: what the API server's TokenReview says, held against what we ask of a token.

use bulkhead_mesh::{NodeName, WorkloadName};
use k8s_openapi::api::authentication::v1::TokenReviewStatus;

use crate::pod_name::PodName;
use crate::uid::Uid;

/// A token that the API server vouches for: made for our audience and bound to a pod that stands on a node.
///
/// It vouches for a pod that was deleted up to 10 s ago, since it remembers good answers for so long: look at the pod
/// itself besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewedToken {
    /// The account.
    pub account: WorkloadName,
    /// The pod, in the account's namespace.
    pub pod: PodName,
    /// Which pod of that name.
    pub pod_uid: Uid,
    /// The node on which the pod stands.
    pub node: NodeName,
    /// Which node of that name.
    pub node_uid: Uid,
}

/// Refuses a token that is too long to be asked about.
pub fn check_length(token: &str) -> Result<(), TokenRefusal> {
    match token.len() {
        0 => Err(TokenRefusal::Empty),
        bytes if bytes > MAX_BYTES => Err(TokenRefusal::TooLong { bytes }),
        _ => Ok(()),
    }
}

/// Reads the API server's answer about a token that should have this audience.
pub fn read(status: &TokenReviewStatus, audience: &str) -> Result<ReviewedToken, TokenRefusal> {
    if status.authenticated != Some(true) {
        let why = status.error.as_deref().filter(|why| !why.is_empty());
        return Err(TokenRefusal::NotAuthentic {
            why: why.map_or_else(|| "it does not say why".to_owned(), printable),
        });
    }
    // An API server that knows nothing of audiences vouches for whatever token, and then names none.
    if !status.audiences.iter().flatten().any(|named| named == audience) {
        return Err(TokenRefusal::OtherAudience { audience: audience.to_owned() });
    }
    let claim = |name: &str| {
        let user = status.user.as_ref()?;
        let values = user.extra.as_ref()?.get(&format!("{CLAIMS}{name}"))?;
        // Several pods or nodes in one token are nobody's.
        if let [value] = &values[..] { Some(value.clone()) } else { None }
    };
    let account = account(status)?;
    let (Some(pod), Some(pod_uid)) = (claim("pod-name"), claim("pod-uid")) else {
        return Err(TokenRefusal::NotBound { account });
    };
    let (Some(node), Some(node_uid)) = (claim("node-name"), claim("node-uid")) else {
        return Err(TokenRefusal::NoNode { account });
    };
    let unreadable = |claim| move |_| TokenRefusal::Claim { claim };
    Ok(ReviewedToken {
        pod: PodName::new(account.namespace(), &pod).map_err(|_| TokenRefusal::Claim { claim: "pod-name" })?,
        pod_uid: pod_uid.parse().map_err(unreadable("pod-uid"))?,
        node: node.parse().map_err(|_| TokenRefusal::Claim { claim: "node-name" })?,
        node_uid: node_uid.parse().map_err(unreadable("node-uid"))?,
        account,
    })
}

fn account(status: &TokenReviewStatus) -> Result<WorkloadName, TokenRefusal> {
    let user = status.user.as_ref().and_then(|user| user.username.as_deref()).unwrap_or_default();
    let named = user.strip_prefix("system:serviceaccount:").and_then(|named| named.split_once(':'));
    let account = named.and_then(|(namespace, name)| format!("ns/{namespace}/sa/{name}").parse().ok());
    account.ok_or_else(|| TokenRefusal::NoAccount { user: printable(user) })
}

/// What another program wrote, short and on one line.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(300).collect()
}

/// More than five times what a token with the longest names takes.
pub const MAX_BYTES: usize = 16 * 1024;

const CLAIMS: &str = "authentication.kubernetes.io/";

/// Why a token is worth nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum TokenRefusal {
    #[error("there is no token")]
    Empty,
    #[error("a token has at most {MAX_BYTES} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the API server does not accept the token: {why}")]
    NotAuthentic { why: String },
    #[error("the token was not made for the audience `{audience}`")]
    OtherAudience { audience: String },
    #[error("the token belongs to `{user}`, which is no service account")]
    NoAccount { user: String },
    #[error("the token of `{account}` is bound to no pod")]
    NotBound { account: WorkloadName },
    #[error("the token of `{account}` does not say on which node its pod stands")]
    NoNode { account: WorkloadName },
    #[error("the API server says something of the token's `{claim}` that cannot be read")]
    Claim { claim: &'static str },
}

impl TokenRefusal {
    /// What a person can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAuthentic { .. } | Self::OtherAudience { .. } => Some(
                "mount a projected token of this cluster, for the audience that `--token-audience` of the CA names",
            ),
            Self::NoAccount { .. } | Self::NotBound { .. } => {
                Some("only a projected service account token that the kubelet mounted into the pod is bound to it")
            }
            Self::NoNode { .. } => Some("tokens say so from Kubernetes 1.30 on"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const POD: &str = "11111111-1111-1111-1111-111111111111";
    const NODE: &str = "22222222-2222-2222-2222-222222222222";

    fn whole() -> Value {
        json!({
            "authenticated": true,
            "audiences": ["bulkhead-ca"],
            "user": {
                "username": "system:serviceaccount:shop:web",
                "extra": {
                    "authentication.kubernetes.io/pod-name": ["web-1"],
                    "authentication.kubernetes.io/pod-uid": [POD],
                    "authentication.kubernetes.io/node-name": ["node-a"],
                    "authentication.kubernetes.io/node-uid": [NODE],
                },
            },
        })
    }

    fn read_value(status: Value) -> Result<ReviewedToken, TokenRefusal> {
        read(&serde_json::from_value(status).unwrap(), "bulkhead-ca")
    }

    #[test]
    fn a_bound_token_says_who_where_and_which() {
        let token = read_value(whole()).unwrap();
        assert_eq!(token.account.to_string(), "ns/shop/sa/web");
        assert_eq!((token.pod.to_string().as_str(), token.node.as_str()), ("shop/web-1", "node-a"));
        assert_eq!((token.pod_uid.to_string().as_str(), token.node_uid.to_string().as_str()), (POD, NODE));
    }

    #[test]
    fn whatever_is_missing_is_named() {
        let extra = |name: &str| format!("/user/extra/authentication.kubernetes.io~1{name}");
        for (place, value, expected) in [
            ("/authenticated".to_owned(), json!(false), "the API server does not accept the token"),
            ("/authenticated".to_owned(), Value::Null, "the API server does not accept the token"),
            (
                "/audiences".to_owned(),
                json!(["https://kubernetes.default.svc"]),
                "not made for the audience `bulkhead-ca`",
            ),
            ("/audiences".to_owned(), json!([]), "not made for the audience"),
            ("/user/username".to_owned(), json!("ada"), "`ada`, which is no service account"),
            ("/user/username".to_owned(), json!("system:serviceaccount:shop"), "which is no service account"),
            (extra("pod-name"), json!([]), "bound to no pod"),
            (extra("pod-uid"), json!([POD, POD]), "bound to no pod"),
            (extra("node-name"), json!([]), "on which node"),
            (extra("node-uid"), json!([]), "on which node"),
            (extra("pod-uid"), json!(["7"]), "`pod-uid`"),
            (extra("node-name"), json!(["Node A"]), "`node-name`"),
        ] {
            let mut status = whole();
            *status.pointer_mut(&place).unwrap() = value;
            let refusal = read_value(status).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{place}: {refusal}");
        }
        assert!(read_value(json!({})).is_err());
    }

    #[test]
    fn the_api_servers_own_reason_is_told_on_one_line() {
        let status = json!({"authenticated": false, "error": format!("[expired\n{}]", "x".repeat(1000))});
        let refusal = read_value(status).unwrap_err().to_string();
        assert!(refusal.contains("[expiredxxx") && refusal.len() < 400, "{refusal}");
    }

    #[test]
    fn an_old_kubernetes_is_hinted_at() {
        let mut status = whole();
        status["user"]["extra"]["authentication.kubernetes.io/node-uid"] = json!([]);
        assert!(read_value(status).unwrap_err().hint().unwrap().contains("1.30"));
    }

    #[test]
    fn only_what_can_be_a_token_is_asked_about() {
        assert_eq!(check_length(""), Err(TokenRefusal::Empty));
        assert_eq!(check_length(&"x".repeat(MAX_BYTES)), Ok(()));
        assert_eq!(check_length(&"x".repeat(MAX_BYTES + 1)), Err(TokenRefusal::TooLong { bytes: 16_385 }));
    }
}
