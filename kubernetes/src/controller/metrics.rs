//! What the controller counts; every label value is an enum.

use std::sync::Arc;

use bulkhead_mesh::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The controller's counters; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    watch_failures: Family<KindLabels, Counter>,
    listings: Family<KindLabels, Counter>,
    left_out: Family<KindLabels, Counter>,
    objects: Family<KindLabels, Gauge>,
    ca_requests: Family<AskedLabels, Counter>,
    connected: Gauge,
    writes: Counter,
    unanswered: Gauge,
    cut_endpoints: Counter,
    not_after: Gauge,
    trust_maps: Family<TrustLabels, Counter>,
    uninjected: Gauge,
    injected: Gauge,
    registry: Registry,
}

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Pods.
    Pods,
    /// Services.
    Services,
    /// EndpointSlices.
    Slices,
    /// Namespaces.
    Namespaces,
    /// ConfigMaps with the mesh's roots.
    TrustMaps,
}

/// What is asked of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A certificate.
    Attest,
    /// A stream of writes.
    Write,
}

/// What has become of a ConfigMap with the mesh's roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrustOutcome {
    /// Made or repaired.
    Applied,
    /// Taken away where nobody needs it any more.
    Removed,
    /// The API server did not do it.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Done,
    Refused,
    Failed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Pods, Self::Services, Self::Slices, Self::Namespaces, Self::TrustMaps];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Slices => "endpointslices",
            Self::Namespaces => "namespaces",
            Self::TrustMaps => "configmaps",
        }
    }
}

impl Asked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Attest => "attest",
            Self::Write => "write",
        }
    }
}

impl TrustOutcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Removed => "removed",
            Self::Failed => "failed",
        }
    }
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

bulkhead_daemon::label_values!(Kind, Asked, TrustOutcome, Outcome);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AskedLabels {
    asked: Asked,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrustLabels {
    outcome: TrustOutcome,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut all = Inner::default();
        let mut registry = Registry::with_prefix("bulkhead_controller");
        let failures = "Times that a watch of the API server broke off or was refused";
        registry.register("watch_failures", failures, all.watch_failures.clone());
        registry.register("listings", "Times that all objects of a kind were listed", all.listings.clone());
        registry.register("left_out_objects", "Sights of objects that a limit leaves out", all.left_out.clone());
        let objects = "Objects that are kept; of EndpointSlices their endpoints";
        registry.register("objects", objects, all.objects.clone());
        registry.register("ca_requests", "Requests to the CA by how they ended", all.ca_requests.clone());
        registry.register(
            "ca_connected",
            "Whether the CA takes writes of the directory: 1 or 0",
            all.connected.clone(),
        );
        registry.register("directory_writes", "Writes that were sent to the CA", all.writes.clone());
        let unanswered = "Writes that the CA has not committed yet";
        registry.register("directory_unanswered_writes", unanswered, all.unanswered.clone());
        let cut = "Endpoints and ports left out of what was sent, since a service may have no more";
        registry.register("cut_endpoints", cut, all.cut_endpoints.clone());
        let trust_maps = "Changes of ConfigMaps with the mesh's roots";
        registry.register("trust_config_maps", trust_maps, all.trust_maps.clone());
        let uninjected = "Pods that should have a sidecar and have none";
        registry.register("uninjected_pods", uninjected, all.uninjected.clone());
        registry.register("injected_pods", "Pods that have a sidecar", all.injected.clone());
        let not_after = "When the directory source's certificate ends, since 1970";
        registry.register_with_unit("certificate_not_after", not_after, Unit::Seconds, all.not_after.clone());
        all.registry = registry;
        Self(Arc::new(all))
    }

    /// Counts a watch that broke off.
    pub fn watch_failed(&self, kind: Kind) {
        self.0.watch_failures.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts a complete listing.
    pub fn listed(&self, kind: Kind) {
        self.0.listings.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts an object beyond a limit; how many there were.
    pub fn left_out(&self, kind: Kind) -> u64 {
        self.0.left_out.get_or_create(&KindLabels { kind }).inc() + 1
    }

    /// Sets how many objects of a kind are kept.
    pub fn objects(&self, kind: Kind, number: usize) {
        self.0.objects.get_or_create(&KindLabels { kind }).set(signed(number));
    }

    /// Counts a request to the CA; what is said of a failure is whether it was a refusal.
    pub fn asked(&self, asked: Asked, refused: Option<bool>) {
        let outcome = match refused {
            None => Outcome::Done,
            Some(true) => Outcome::Refused,
            Some(false) => Outcome::Failed,
        };
        self.0.ca_requests.get_or_create(&AskedLabels { asked, outcome }).inc();
    }

    /// Sets whether the CA takes writes.
    pub fn connected(&self, connected: bool) {
        self.0.connected.set(i64::from(connected));
    }

    /// Counts a write, and what was cut off it.
    pub fn wrote(&self, cut: usize) {
        self.0.writes.inc();
        self.0.cut_endpoints.inc_by(cut as u64);
    }

    /// Sets how many writes are unanswered.
    pub fn unanswered(&self, number: u64) {
        self.0.unanswered.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// Sets when the certificate ends.
    pub fn not_after(&self, moment: Timestamp) {
        self.0.not_after.set(i64::try_from(moment.as_secs()).unwrap_or(i64::MAX));
    }

    /// Counts a change of a ConfigMap.
    pub fn trust_map(&self, outcome: TrustOutcome) {
        self.0.trust_maps.get_or_create(&TrustLabels { outcome }).inc();
    }

    /// Sets how many pods have a sidecar, and how many should and have none.
    pub fn injection(&self, injected: usize, uninjected: usize) {
        self.0.injected.set(signed(injected));
        self.0.uninjected.set(signed(uninjected));
    }

    /// All of them in the OpenMetrics text format.
    pub fn text(&self) -> String {
        bulkhead_daemon::metrics::text(&self.0.registry)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
