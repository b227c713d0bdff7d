//! One question: read, decided, counted, told, answered.

use std::sync::Arc;
use std::time::Instant;

use bulkhead_cluster::injection::{Namespace, Settings};
use bulkhead_daemon::SharedClock;
use tracing::info;

use super::events::{Notice, Postbox};
use super::metrics::{Metrics, Outcome, Trouble};
use super::namespaces::{Namespaces, NotKnown};
use super::review::{BadReview, Request};
use super::verdict::Verdict;

/// What every question needs.
pub(crate) struct Desk {
    pub(crate) settings: Settings,
    pub(crate) namespaces: Namespaces,
    pub(crate) postbox: Postbox,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(crate) enum NoAnswer {
    #[error(transparent)]
    Review(#[from] BadReview),
    #[error(transparent)]
    Namespace(#[from] NotKnown),
}

impl Desk {
    /// The answer to a question, as it goes back.
    pub(crate) async fn answer(self: Arc<Self>, question: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let begun = Instant::now();
        let answered = self.decide(question).await;
        match &answered {
            Err(NoAnswer::Review(_)) => self.metrics.unanswered(Trouble::BadRequest),
            Err(NoAnswer::Namespace(_)) => self.metrics.unanswered(Trouble::Namespace),
            Ok(_) => {}
        }
        let (request, verdict) = answered?;
        self.tell(&request, &verdict, begun);
        Ok(verdict.answer(&request))
    }

    async fn decide(&self, question: &[u8]) -> Result<(Request, Verdict), NoAnswer> {
        let request = Request::read(question)?;
        let verdict = self.on(&request, &self.namespaces.find(request.namespace()).await?);
        if verdict.hangs_on_the_namespace() {
            let verdict = self.on(&request, &self.namespaces.find_afresh(request.namespace()).await?);
            return Ok((request, verdict));
        }
        Ok((request, verdict))
    }

    fn on(&self, request: &Request, namespace: &Namespace) -> Verdict {
        Verdict::on(request, namespace, &self.settings, self.clock.now())
    }

    fn tell(&self, request: &Request, verdict: &Verdict, begun: Instant) {
        let (outcome, reason) = (verdict.outcome(), verdict.word());
        self.metrics.admitted(outcome, reason, begun.elapsed());
        let (namespace, pod, dry_run) = (request.namespace(), request.called(), request.is_dry_run());
        let notice = verdict.notice();
        let why = notice.as_ref().map(|(_, sentence)| sentence.as_str());
        info!(namespace, pod, outcome = outcome.as_str(), reason, why, dry_run, "admission");
        if let Some((reason, sentence)) = notice.filter(|_| !dry_run) {
            self.postbox.drop_in(Notice::new(request, reason, sentence));
        }
    }
}

impl Verdict {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Injected(_) => Outcome::Injected,
            Self::Unchanged => Outcome::Unchanged,
            Self::Skipped(_) => Outcome::Skipped,
            Self::Refused(_) => Outcome::Refused,
        }
    }

    /// The word for why; none where there is nothing to say.
    fn word(&self) -> &'static str {
        match self {
            Self::Injected(_) | Self::Unchanged => "",
            Self::Skipped(skip) => skip.word(),
            Self::Refused(refusal) => refusal.word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1 as core;
    use kube::core::PartialObjectMeta;
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::super::testing::{desk, review, shop};
    use super::*;

    #[tokio::test]
    async fn a_namespace_that_was_labelled_this_moment_counts_before_the_watch_has_told_it() {
        let (none, enabled) = (json!({}), json!({"bulkhead-mesh.dev/inject": "enabled"}));
        let restricted = json!({
            "bulkhead-mesh.dev/inject": "enabled",
            "pod-security.kubernetes.io/enforce": "restricted",
        });
        let question = review("shop", &json!({"spec": {"containers": [{"name": "app"}]}})).to_string();
        for (told, now, injected) in [
            (&none, &enabled, true),
            (&restricted, &enabled, true),
            (&none, &none, false),
            (&restricted, &restricted, false),
            // Only what would be missed is asked again: what was asked for lately is given.
            (&enabled, &none, true),
        ] {
            let desk = Arc::new(desk(now));
            let heard: PartialObjectMeta<core::Namespace> = serde_json::from_value(shop(told)).unwrap();
            desk.namespaces.hear(Event::Apply(heard));
            let answer = desk.answer(question.as_bytes()).await.unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["response"]["patch"].is_string(), injected, "{told} {now}: {answer}");
        }
    }
}
