//! Why a pod gets no sidecar, in a sentence for its owner and in a word for metrics and Events.

use bulkhead_mesh::probe::{ContainerName, ProbeKind};

use super::BadAnnotation;
use crate::names::{DISABLED, ENABLED, EXEMPT, INJECT, POD_SECURITY};

/// Why a pod is let in without a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// Neither the pod nor its namespace asks.
    #[error("neither the pod nor its namespace has the label `{INJECT}={ENABLED}`")]
    NotAsked,
    /// The pod, or its namespace, asks for none.
    #[error("the label `{INJECT}={DISABLED}` asks for no sidecar")]
    OptedOut,
    /// The namespace is the cluster's or the mesh's own.
    #[error("namespace `{0}` is never injected: the cluster and the mesh must be able to start without a sidecar")]
    System(String),
    /// It has no network of its own.
    #[error("the pod uses its node's network (`hostNetwork: true`), which a sidecar cannot capture for it alone")]
    HostNetwork,
    /// Two proxies would capture each other.
    #[error("the pod has the sidecar of another mesh, container `{container}`")]
    OtherMesh {
        /// The container that gives it away.
        container: String,
    },
    /// The kubelet runs it from a file, and the API server only shows it.
    #[error("the pod is a static one, which its node runs from a file: nothing can be added to it")]
    Static,
    /// There is no sidecar for it.
    #[error("the pod runs on `{0}`, and there is a sidecar for Linux only")]
    OperatingSystem(String),
}

/// Why a pod is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no pod.
    #[error("{place} is not {expected}: this is no pod that Kubernetes would run")]
    Malformed {
        /// Where, as a JSON pointer (RFC 6901).
        place: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The label has a third value.
    #[error("the label `{INJECT}` is `{value}`, and must be `{ENABLED}` or `{DISABLED}`")]
    Label {
        /// What it is.
        value: String,
    },
    /// A wish that cannot be read or granted.
    #[error(transparent)]
    Annotation(BadAnnotation),
    /// Its traffic would be taken for the sidecar's own and pass by it.
    #[error(
        "container `{container}` would run as {what} {id}, which is the sidecar's: with user and group both, its connections \
         would pass the sidecar by; give it another one, or name the container in the annotation `{EXEMPT}`"
    )]
    SidecarsUser {
        /// The container.
        container: String,
        /// `user` or `group`.
        what: &'static str,
        /// The number.
        id: i64,
    },
    /// It could take the capture rules away.
    #[error(
        "container `{container}` could take the capture rules away ({how}); drop that, or name the container in the \
         annotation `{EXEMPT}`"
    )]
    NetworkAdmin {
        /// The container.
        container: String,
        /// By what, e.g. ``capability `NET_ADMIN` ``.
        how: String,
    },
    /// It could read the sidecar's keys from its memory.
    #[error(
        "container `{container}` would see the sidecar's processes (`{field}: true`); set it to false, or name every container \
         of the pod in the annotation `{EXEMPT}`"
    )]
    SharedProcesses {
        /// The first container that is not named.
        container: String,
        /// The field of the pod's `spec`.
        field: &'static str,
    },
    /// It could read the sidecar's keys from its files.
    #[error(
        "container `{container}` mounts the volume `{volume}`, which is the sidecar's; drop that, or name the container in the \
         annotation `{EXEMPT}`"
    )]
    SidecarsVolume {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
    },
    /// It could get the certificate itself.
    #[error(
        "container `{container}` mounts the volume `{volume}`, which has a token for `{audience}`: by that it would get the \
         workload's certificate from the CA in the sidecar's place; drop that, or name the container in the annotation `{EXEMPT}`"
    )]
    TokenForTheCa {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// For whom the token is.
        audience: String,
    },
    /// It could be the node, or any pod on it.
    #[error(
        "container `{container}` mounts `{path}` of its node (volume `{volume}`), by which it reaches `{reached}`: there lie \
         the identities of the node or of its other pods; mount something narrower, or name the container in the annotation \
         `{EXEMPT}`"
    )]
    NodesOwn {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// Its `hostPath`.
        path: String,
        /// What of the node's own lies there, below it or above it.
        reached: String,
    },
    /// It would run something else in the sidecar's place.
    #[error(
        "container `{container}` is the mesh's, and its image cannot become `{image}`; the injector's own images are set by \
         the mesh's operator, and a restarted workload gets them"
    )]
    SidecarsImage {
        /// The container.
        container: String,
        /// The image.
        image: String,
    },
    /// It could read the sidecar's keys from its memory.
    #[error(
        "container `{container}` would see the sidecar's processes (`targetContainerName: bulkhead-proxy`); target another \
         container, or name this one in the annotation `{EXEMPT}` first"
    )]
    SidecarsProcesses {
        /// The container.
        container: String,
    },
    /// It would listen where the sidecar does.
    #[error("container `{container}` has port {port}, which is one of the sidecar's own (15000 to 15099)")]
    SidecarsPort {
        /// The container.
        container: String,
        /// The port.
        port: u16,
    },
    /// It has got its sidecar, and then somebody made of it what can have none.
    #[error("the pod has its sidecar already, and now it cannot have one: {0}")]
    TooLate(Skip),
    /// The init container that installs capture would not be let in.
    #[error(
        "namespace `{namespace}` has the label `{POD_SECURITY}={level}`, which forbids the container that installs the \
         capture rules: it needs root and NET_ADMIN while the pod starts; set the label to `privileged`"
    )]
    PodSecurity {
        /// The namespace.
        namespace: String,
        /// Its level.
        level: String,
    },
    /// A port that is no number, and no name that this container gives one of its ports.
    #[error(
        "the {kind} {} of container `{container}` asks at port `{port}`, which is neither a number from 1 to 65535 nor the \
         name of one of the container's ports",
        .kind.noun()
    )]
    ProbePort {
        /// The container.
        container: ContainerName,
        /// The occasion.
        kind: ProbeKind,
        /// What stands there.
        port: String,
    },
    /// It would ask the sidecar in the application's place.
    #[error("the {kind} {} of container `{container}` asks at port {port}, which is the sidecar's own", .kind.noun())]
    ProbeOfTheSidecar {
        /// The container.
        container: ContainerName,
        /// The occasion.
        kind: ProbeKind,
        /// The port.
        port: u16,
    },
    /// More than can be handed to a sidecar.
    #[error(transparent)]
    Probes(#[from] bulkhead_mesh::probe::ProbesError),
}

impl Skip {
    /// The word for it, in metrics and Events.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotAsked => "NotAsked",
            Self::OptedOut => "OptedOut",
            Self::System(_) => "SystemNamespace",
            Self::HostNetwork => "HostNetwork",
            Self::OtherMesh { .. } => "OtherMesh",
            Self::Static => "StaticPod",
            Self::OperatingSystem(_) => "OperatingSystem",
        }
    }

    /// Whether somebody may expect a sidecar who does not get one: worth an Event.
    pub const fn is_notable(&self) -> bool {
        matches!(self, Self::HostNetwork | Self::OtherMesh { .. } | Self::OperatingSystem(_))
    }
}

impl Refusal {
    /// The word for it, in metrics and Events.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "Malformed",
            Self::Label { .. } => "BadLabel",
            Self::Annotation(_) => "BadAnnotation",
            Self::SidecarsUser { .. } => "SidecarsUser",
            Self::NetworkAdmin { .. } => "NetworkAdmin",
            Self::SharedProcesses { .. } => "SharedProcesses",
            Self::SidecarsVolume { .. } => "SidecarsVolume",
            Self::TokenForTheCa { .. } => "TokenForTheCa",
            Self::NodesOwn { .. } => "NodesOwn",
            Self::SidecarsPort { .. } => "SidecarsPort",
            Self::SidecarsImage { .. } => "SidecarsImage",
            Self::SidecarsProcesses { .. } => "SidecarsProcesses",
            Self::TooLate(_) => "TooLate",
            Self::PodSecurity { .. } => "PodSecurity",
            Self::ProbePort { .. } | Self::ProbeOfTheSidecar { .. } | Self::Probes(_) => "BadProbe",
        }
    }
}
