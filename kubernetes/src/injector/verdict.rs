//! What becomes of what is asked about. Pure.

use bulkhead_cluster::injection::{Namespace, Outcome, Refusal, Settings, Skip, check_change, inject};
use bulkhead_mesh::Timestamp;
use json_patch::Patch;

use super::review::{Operation, Request, allowed, denied};

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It gets its sidecar, or what it lacks of it.
    Injected(Patch),
    /// It has all of its sidecar, or the change does not touch it.
    Unchanged,
    /// It is let in as it is.
    Skipped(Skip),
    /// It is not let in, or not changed.
    Refused(Refusal),
}

impl Verdict {
    /// Decides.
    pub(crate) fn on(request: &Request, namespace: &Namespace, settings: &Settings, now: Timestamp) -> Self {
        match request.operation {
            Operation::Create if request.sub_resource().is_empty() => {
                match inject(&request.object, namespace, settings, now) {
                    Outcome::Patched(patch) if patch.0.is_empty() => Self::Unchanged,
                    Outcome::Patched(patch) => Self::Injected(patch),
                    Outcome::Skipped(skip) => Self::Skipped(skip),
                    Outcome::Refused(refusal) => Self::Refused(refusal),
                }
            }
            Operation::Update => match check_change(&request.old_object, &request.object, settings) {
                Ok(()) => Self::Unchanged,
                Err(refusal) => Self::Refused(refusal),
            },
            Operation::Create | Operation::Delete | Operation::Connect => Self::Unchanged,
        }
    }

    /// Whether the namespace's labels have decided; then they must be the newest.
    pub(crate) const fn hangs_on_the_namespace(&self) -> bool {
        matches!(
            self,
            Self::Skipped(Skip::NotAsked | Skip::OptedOut)
                | Self::Refused(Refusal::Label { .. } | Refusal::PodSecurity { .. })
        )
    }

    /// Why there is no sidecar, where somebody may miss it: the word and the sentence.
    pub(crate) fn notice(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Skipped(skip) if skip.is_notable() => Some((skip.word(), skip.to_string())),
            Self::Refused(refusal) => Some((refusal.word(), refusal.to_string())),
            Self::Injected(_) | Self::Unchanged | Self::Skipped(_) => None,
        }
    }

    /// The answer.
    pub(crate) fn answer(&self, request: &Request) -> Vec<u8> {
        match self {
            Self::Injected(patch) => allowed(request, Some(patch), None),
            Self::Skipped(skip) if skip.is_notable() => {
                allowed(request, None, Some(&format!("no sidecar was injected: {skip}")))
            }
            Self::Skipped(_) | Self::Unchanged => allowed(request, None, None),
            Self::Refused(refusal) => denied(request, refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::testing::{any_json, review, settings};
    use super::*;

    fn shop() -> Namespace {
        Namespace { name: "shop".to_owned(), inject: Some("enabled".to_owned()), pod_security: None, is_system: false }
    }

    fn asked(change: impl FnOnce(&mut Value)) -> (Verdict, Value) {
        let mut question = review("shop", &json!({"spec": {"containers": [{"name": "app"}]}}));
        change(&mut question["request"]);
        let request = Request::read(question.to_string().as_bytes()).unwrap();
        let verdict = Verdict::on(&request, &shop(), &settings(), Timestamp::from_secs(1_795_000_000));
        let answer: Value = serde_json::from_slice(&verdict.answer(&request)).unwrap();
        (verdict, answer["response"].clone())
    }

    #[test]
    fn a_pod_gets_its_sidecar_by_a_patch() {
        let (verdict, answer) = asked(|_| {});
        assert!(matches!(verdict, Verdict::Injected(_)));
        assert_eq!((&answer["allowed"], &answer["patchType"]), (&json!(true), &json!("JSONPatch")));
    }

    #[test]
    fn a_skipped_pod_is_let_in_with_a_warning_where_somebody_may_miss_the_sidecar() {
        let (verdict, answer) = asked(|request| request["object"]["spec"]["hostNetwork"] = json!(true));
        assert_eq!(verdict.notice().unwrap().0, "HostNetwork");
        assert_eq!(answer["allowed"], true);
        assert!(
            answer["warnings"][0].as_str().unwrap().starts_with("no sidecar was injected: the pod uses"),
            "{answer}"
        );
        let (verdict, answer) = asked(|request| {
            request["object"]["metadata"] = json!({"labels": {"bulkhead-mesh.dev/inject": "disabled"}});
        });
        assert_eq!(verdict, Verdict::Skipped(Skip::OptedOut));
        assert_eq!(answer["warnings"], json!(null));
    }

    #[test]
    fn a_refusal_has_the_code_of_its_kind() {
        let (_, answer) = asked(|request| {
            request["object"]["metadata"] = json!({"annotations": {"bulkhead-mesh.dev/mode": "x"}});
        });
        assert_eq!(answer["status"]["code"], 422);
        let (verdict, answer) = asked(|request| request["object"]["spec"]["hostPID"] = json!(true));
        assert_eq!(answer["status"]["code"], 403);
        assert_eq!(answer["status"]["message"], verdict.notice().unwrap().1);
        assert_eq!(answer["allowed"], false);
    }

    #[test]
    fn a_change_is_judged_by_what_it_does_to_the_sidecar() {
        let meshed =
            json!({"spec": {"containers": [], "initContainers": [{"name": "bulkhead-proxy", "image": "proxy:1"}]}});
        let (verdict, _) = asked(|request| {
            request["operation"] = json!("UPDATE");
            request["oldObject"] = meshed.clone();
            request["object"] = meshed.clone();
            request["object"]["spec"]["initContainers"][0]["image"] = json!("evil:1");
        });
        assert_eq!(verdict.notice().unwrap().0, "SidecarsImage");
        let (verdict, _) = asked(|request| {
            request["operation"] = json!("UPDATE");
            request["subResource"] = json!("ephemeralcontainers");
            request["oldObject"] = meshed.clone();
            request["object"] = meshed.clone();
        });
        assert_eq!(verdict, Verdict::Unchanged);
    }

    proptest! {
        #[test]
        fn every_question_gets_an_answer(pod in any_json(), old in any_json(), update in any::<bool>()) {
            let mut question = review("shop", &pod);
            question["request"]["oldObject"] = old;
            if update {
                question["request"]["operation"] = json!("UPDATE");
            }
            let request = Request::read(question.to_string().as_bytes()).unwrap();
            let verdict = Verdict::on(&request, &shop(), &settings(), Timestamp::from_secs(1_795_000_000));
            let answer: Value = serde_json::from_slice(&verdict.answer(&request)).unwrap();
            prop_assert_eq!(&answer["response"]["uid"], &question["request"]["uid"]);
            prop_assert!(answer["response"]["allowed"].is_boolean());
        }
    }
}
