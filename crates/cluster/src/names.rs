//! The words that Bulkhead reads from and writes into Kubernetes objects. What users type stands here once.

/// The group of Bulkhead's labels and annotations.
pub const GROUP: &str = "bulkhead-mesh.dev";
/// The label of a namespace or a pod that asks for injection: [`ENABLED`] or [`DISABLED`].
pub const INJECT: &str = "bulkhead-mesh.dev/inject";
/// The value of [`INJECT`] that asks for a sidecar.
pub const ENABLED: &str = "enabled";
/// The value of [`INJECT`] that asks for none.
pub const DISABLED: &str = "disabled";
/// The annotation in which the injector says what it did, as JSON.
pub const STATUS: &str = "bulkhead-mesh.dev/status";
/// The annotation that names containers whose risk for the sidecar somebody has accepted.
pub const EXEMPT: &str = "bulkhead-mesh.dev/exempt-containers";
/// The label of a namespace in which Kubernetes says what its pods may do (Pod Security admission).
pub const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";
/// The label of a node that says which workloads it may run. A kubelet cannot write it: admission keeps every label with
/// this prefix from nodes.
pub const CLEARANCE: &str = "node-restriction.kubernetes.io/bulkhead-clearance";

/// The audience of the tokens by which pods prove themselves to the CA, unless another was chosen.
pub const TOKEN_AUDIENCE: &str = "bulkhead-ca";
/// The key of the ConfigMap in which the labels of workloads stand.
pub const BINDINGS_KEY: &str = "labels.yaml";

/// The annotation on the API server's picture of a pod that its kubelet runs from a file.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

/// The init container that installs the capture rules and exits.
pub const CAPTURE_CONTAINER: &str = "bulkhead-capture";
/// The sidecar.
pub const PROXY_CONTAINER: &str = "bulkhead-proxy";
/// The volume with the pod's token for the CA.
pub const TOKEN_VOLUME: &str = "bulkhead-token";
/// The volume with the mesh's root certificates.
pub const TRUST_VOLUME: &str = "bulkhead-trust";
/// The volume in memory with key, certificate and what the sidecar has heard from the CA.
pub const STATE_VOLUME: &str = "bulkhead-state";
