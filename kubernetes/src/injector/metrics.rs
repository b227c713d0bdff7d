//! What the injector counts; every label value is an enum, or one of the words that `bulkhead_cluster` has for its reasons.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_mesh::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The injector's counters; clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    admissions: Family<AdmissionLabels, Counter>,
    unanswered: Family<TroubleLabels, Counter>,
    duration: Histogram,
    events: Family<EventLabels, Counter>,
    certificate: Family<StepLabels, Counter>,
    certificate_ends: Gauge,
    registry: Registry,
}

/// What has become of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// It gets its sidecar.
    Injected,
    /// There was nothing to do.
    Unchanged,
    /// It is let in without a sidecar.
    Skipped,
    /// It is not let in.
    Refused,
}

/// Why somebody got no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
    /// The connection broke off before a question.
    Handshake,
    /// It was no question.
    BadRequest,
    /// It was too large.
    TooLarge,
    /// The pod's namespace is not known.
    Namespace,
    /// There was no time left.
    Deadline,
}

/// What has become of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// It was written.
    Written,
    /// The same was said a moment ago.
    Repeated,
    /// There were too many at once.
    Dropped,
    /// The API server did not take it.
    Failed,
}

/// A step in the life of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CertificateStep {
    /// A new one was made.
    Made,
    /// CAs were written into the webhook configuration.
    Published,
    /// One is shown that was not shown before.
    Served,
    /// A look after it has failed.
    Failed,
}

impl Outcome {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
        }
    }
}

impl Trouble {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::BadRequest => "bad-request",
            Self::TooLarge => "too-large",
            Self::Namespace => "namespace",
            Self::Deadline => "deadline",
        }
    }
}

impl Told {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Repeated => "repeated",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

impl CertificateStep {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Published => "published",
            Self::Served => "served",
            Self::Failed => "failed",
        }
    }
}

bulkhead_daemon::label_values!(Outcome, Trouble, Told, CertificateStep);

/// The word for a reason, which stands in the program's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AdmissionLabels {
    outcome: Outcome,
    reason: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TroubleLabels {
    trouble: Trouble,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    outcome: Told,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: CertificateStep,
}

impl Metrics {
    /// Counters at zero.
    pub(crate) fn new() -> Self {
        let mut all = Inner {
            admissions: Family::default(),
            unanswered: Family::default(),
            duration: Histogram::new(exponential_buckets(0.000_1, 4.0, 9)),
            events: Family::default(),
            certificate: Family::default(),
            certificate_ends: Gauge::default(),
            registry: Registry::default(),
        };
        let mut registry = Registry::with_prefix("bulkhead_injector");
        let admissions = "Pods by what has become of them, and why";
        registry.register("admissions", admissions, all.admissions.clone());
        let unanswered = "Questions and connections without a verdict, which the API server takes for a failure";
        registry.register("unanswered", unanswered, all.unanswered.clone());
        let duration = "From a question's first byte to the answer";
        registry.register_with_unit("admission_duration", duration, Unit::Seconds, all.duration.clone());
        registry.register("events", "Events for pods without a sidecar", all.events.clone());
        registry.register("certificate_steps", "Steps in the life of the certificate", all.certificate.clone());
        let ends = "When the certificate that is shown ends, since 1970";
        registry.register_with_unit("certificate_not_after", ends, Unit::Seconds, all.certificate_ends.clone());
        all.registry = registry;
        Self(Arc::new(all))
    }

    /// Counts a pod; `reason` is empty where there is nothing to say.
    pub(crate) fn admitted(&self, outcome: Outcome, reason: &'static str, took: Duration) {
        self.0.admissions.get_or_create(&AdmissionLabels { outcome, reason: Word(reason) }).inc();
        self.0.duration.observe(took.as_secs_f64());
    }

    /// Counts whoever got no verdict.
    pub(crate) fn unanswered(&self, trouble: Trouble) {
        self.0.unanswered.get_or_create(&TroubleLabels { trouble }).inc();
    }

    /// Counts an Event.
    pub(crate) fn event(&self, outcome: Told) {
        self.0.events.get_or_create(&EventLabels { outcome }).inc();
    }

    /// Counts a step.
    pub(crate) fn certificate(&self, step: CertificateStep) {
        self.0.certificate.get_or_create(&StepLabels { step }).inc();
    }

    /// Sets when the certificate ends.
    pub(crate) fn certificate_ends(&self, moment: Timestamp) {
        self.0.certificate_ends.set(i64::try_from(moment.as_secs()).unwrap_or(i64::MAX));
    }

    /// All of them in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        bulkhead_daemon::metrics::text(&self.0.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_counted_by_what_became_of_it_and_why() {
        let metrics = Metrics::new();
        metrics.admitted(Outcome::Refused, "PodSecurity", Duration::from_millis(1));
        let text = metrics.text();
        let line = r#"bulkhead_injector_admissions_total{outcome="refused",reason="PodSecurity"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains("bulkhead_injector_admission_duration_seconds_count 1"), "{text}");
    }
}
