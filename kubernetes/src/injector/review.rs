//! The API server's question and our answer: AdmissionReview of admission.k8s.io/v1, in JSON.

use bulkhead_cluster::injection::Refusal;
use json_patch::Patch;
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked about a pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    /// Names the question; the answer repeats it.
    pub(crate) uid: String,
    resource: Resource,
    /// What of the pod is changed, e.g. `ephemeralcontainers`.
    #[serde(default)]
    sub_resource: Option<String>,
    /// The pod's name; none where the API server is to make one up.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Its namespace.
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    /// What is done with it.
    pub(crate) operation: Operation,
    /// The pod.
    #[serde(default)]
    pub(crate) object: Value,
    /// The pod as it was, where it is changed.
    #[serde(default)]
    pub(crate) old_object: Value,
    /// Whether nothing may come of it.
    #[serde(default)]
    pub(crate) dry_run: Option<bool>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Operation {
    /// A pod is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Somebody wants to speak to it.
    Connect,
}

#[derive(Clone, Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    group: String,
    resource: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Option<Request>,
}

/// Why a text is no question that can be answered.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(crate) enum BadReview {
    #[error("this is no AdmissionReview: {0}")]
    Json(serde_json::Error),
    #[error("this is a {kind} of {version}, and not an AdmissionReview of admission.k8s.io/v1")]
    Version { kind: String, version: String },
    #[error("this AdmissionReview has no `request`")]
    NoRequest,
    #[error("this webhook is for pods, and not for {what}: the webhook configuration has a wrong rule")]
    NoPod { what: String },
    #[error("the `request` has no `namespace`, and every pod has one")]
    NoNamespace,
}

impl Request {
    /// Reads a question.
    pub(crate) fn read(text: &[u8]) -> Result<Self, BadReview> {
        let review: Review = serde_json::from_slice(text).map_err(BadReview::Json)?;
        if review.kind != "AdmissionReview" || review.api_version != VERSION {
            return Err(BadReview::Version { kind: shortened(review.kind), version: shortened(review.api_version) });
        }
        let request = review.request.ok_or(BadReview::NoRequest)?;
        if request.resource.resource != "pods" || !request.resource.group.is_empty() {
            return Err(BadReview::NoPod { what: shortened(request.resource.resource) });
        }
        if request.namespace().is_empty() {
            return Err(BadReview::NoNamespace);
        }
        Ok(request)
    }

    /// The pod's namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// What of the pod is changed; empty where it is the pod itself.
    pub(crate) fn sub_resource(&self) -> &str {
        self.sub_resource.as_deref().unwrap_or_default()
    }

    /// Whether nothing may come of it, not even an Event.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }

    /// The pod's name, or what it will begin with, for a line in the log.
    pub(crate) fn called(&self) -> &str {
        let of_pod = |field: &str| self.object.pointer(&format!("/metadata/{field}")).and_then(Value::as_str);
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        name.or_else(|| of_pod("name")).or_else(|| of_pod("generateName")).unwrap_or_default()
    }
}

/// The pod is let in, changed by this patch if there is something to change; whoever made it reads the warning.
pub(crate) fn allowed(request: &Request, patch: Option<&Patch>, warning: Option<&str>) -> Vec<u8> {
    let mut response = json!({"uid": request.uid, "allowed": true});
    if let Some(patch) = patch.filter(|patch| !patch.0.is_empty()) {
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(ByteString(json!(patch).to_string().into_bytes()));
    }
    if let Some(warning) = warning {
        response["warnings"] = json!([warning]);
    }
    answer(&response)
}

/// The pod is not let in; whoever made it reads why.
pub(crate) fn denied(request: &Request, refusal: &Refusal) -> Vec<u8> {
    let (code, reason) = if is_mistake(refusal) { (422, "Invalid") } else { (403, "Forbidden") };
    let status = json!({"status": "Failure", "code": code, "reason": reason, "message": refusal.to_string()});
    answer(&json!({"uid": request.uid, "allowed": false, "status": status}))
}

fn answer(response: &Value) -> Vec<u8> {
    json!({"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}).to_string().into_bytes()
}

/// Whether something is written wrongly, rather than written rightly and not allowed.
const fn is_mistake(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Malformed { .. }
        | Refusal::Label { .. }
        | Refusal::Annotation(_)
        | Refusal::ProbePort { .. }
        | Refusal::Probes(_) => true,
        Refusal::SidecarsUser { .. }
        | Refusal::NetworkAdmin { .. }
        | Refusal::SharedProcesses { .. }
        | Refusal::SidecarsVolume { .. }
        | Refusal::TokenForTheCa { .. }
        | Refusal::NodesOwn { .. }
        | Refusal::SidecarsPort { .. }
        | Refusal::SidecarsImage { .. }
        | Refusal::SidecarsProcesses { .. }
        | Refusal::TooLate(_)
        | Refusal::PodSecurity { .. }
        | Refusal::ProbeOfTheSidecar { .. } => false,
    }
}

fn shortened(text: String) -> String {
    if text.chars().count() > LONGEST_QUOTE {
        format!("{}...", text.chars().take(LONGEST_QUOTE).collect::<String>())
    } else {
        text
    }
}

const VERSION: &str = "admission.k8s.io/v1";
const LONGEST_QUOTE: usize = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{any_json, review};
    use super::*;

    #[test]
    fn a_question_is_read_whatever_else_stands_in_it() {
        let mut question = review("shop", &json!({"metadata": {"generateName": "web-"}}));
        question["request"]["userInfo"] = json!({"username": "x", "extra": {"a": ["b"]}});
        question["request"]["oldObject"] = json!(null);
        question["request"]["name"] = json!("");
        let request = Request::read(question.to_string().as_bytes()).unwrap();
        assert_eq!((request.namespace(), request.called()), ("shop", "web-"));
        assert_eq!((request.operation, request.sub_resource()), (Operation::Create, ""));
        assert!(!request.is_dry_run());
    }

    #[test]
    fn what_is_no_question_is_refused_with_a_sentence() {
        let with = |pointer: &str, value: Value| {
            let mut question = review("shop", &json!({}));
            let (holder, field) = pointer.rsplit_once('/').unwrap();
            question.pointer_mut(holder).unwrap()[field] = value;
            question.to_string()
        };
        for (text, says) in [
            (String::new(), "no AdmissionReview"),
            ("[]".to_owned(), "no AdmissionReview"),
            (
                with("/apiVersion", json!("admission.k8s.io/v1beta1")),
                "and not an AdmissionReview of admission.k8s.io/v1",
            ),
            (with("/kind", json!("x".repeat(1000))), "xxx..."),
            (with("/request", json!(null)), "has no `request`"),
            (
                with("/request/resource", json!({"group": "", "version": "v1", "resource": "services"})),
                "not for services",
            ),
            (with("/request/resource", json!({"group": "x", "version": "v1", "resource": "pods"})), "for pods"),
            (with("/request/namespace", json!(null)), "has no `namespace`"),
            (with("/request/operation", json!("PATCH")), "no AdmissionReview"),
            (
                format!(r#"{{"request": {{"object": {}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000)),
                "recursion limit",
            ),
        ] {
            let said = Request::read(text.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(says) && said.len() < 300, "{said}");
        }
    }

    #[test]
    fn a_patch_is_told_in_base64_and_an_empty_one_not_at_all() {
        let request = Request::read(review("shop", &json!({})).to_string().as_bytes()).unwrap();
        let patch: Patch = serde_json::from_value(json!([{"op": "remove", "path": "/a"}])).unwrap();
        let answer: Value = serde_json::from_slice(&allowed(&request, Some(&patch), None)).unwrap();
        assert_eq!(answer["response"]["patch"], "W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL2EifV0=");
        assert_eq!(answer["response"]["uid"], request.uid);
        let answer: Value = serde_json::from_slice(&allowed(&request, Some(&Patch(Vec::new())), Some("w"))).unwrap();
        assert_eq!(answer["response"], json!({"uid": request.uid, "allowed": true, "warnings": ["w"]}));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::read(&text);
        }

        #[test]
        fn no_json_makes_the_reader_panic(value in any_json(), request in any_json()) {
            let _ = Request::read(value.to_string().as_bytes());
            let mut question = review("shop", &json!({}));
            question["request"] = request;
            let _ = Request::read(question.to_string().as_bytes());
        }
    }
}
