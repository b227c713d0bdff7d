//! The flags of `bulkhead-kubernetes injector`, and what they come to.

use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_cluster::injection::{Images, LogLevel, PullPolicy, Quantity, Resources, Settings};
use bulkhead_daemon::version::VERSION;
use bulkhead_mesh::TrustDomain;
use ipnet::IpNet;

use super::config::{CertificateConfig, Config, Limits, Names};
use super::error::InjectorError;

/// Answers the API server's question what becomes of a new pod, until it gets SIGTERM or SIGINT.
///
/// It speaks to the cluster in which it runs, or to the one that KUBECONFIG names. Its certificate is its own: it is made,
/// written into the webhook configuration and replaced without anybody's help.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  bulkhead-kubernetes injector --ca bulkhead-ca.bulkhead-system.svc:15010 --trust-domain prod.example \
     --mesh-cidr 10.244.0.0/16,10.96.0.0/12 --resolver 10.96.0.10 --proxy-image registry.example/proxy:1 \
     --capture-image registry.example/capture:1"
)]
pub struct Args {
    #[command(flatten)]
    pods: PodArgs,
    #[command(flatten)]
    serving: ServingArgs,
    #[command(flatten)]
    certificate: CertificateArgs,
}

/// What pods get.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "What pods get")]
struct PodArgs {
    /// Where sidecars find the CA; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_CA", required = true, value_delimiter = ',', value_name = "HOST:PORT", value_parser = ca_address)]
    ca: Vec<String>,
    /// The mesh's trust domain.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN", value_name = "NAME")]
    trust_domain: TrustDomain,
    /// For whom a pod's token is: the CA believes no other.
    #[arg(long, env = "BULKHEAD_TOKEN_AUDIENCE", default_value = "bulkhead-ca", value_name = "AUDIENCE", value_parser = word)]
    token_audience: String,
    /// The ConfigMap of each namespace with the mesh's roots, under the key `root.pem`.
    #[arg(long, env = "BULKHEAD_TRUST_CONFIG_MAP", default_value = "bulkhead-trust", value_name = "NAME", value_parser = object_name)]
    trust_config_map: String,
    /// Where on each node the agent keeps the node's identity: no container may mount it that is not exempt.
    #[arg(long, env = "BULKHEAD_AGENT_DIRECTORY", default_value = "/var/lib/bulkhead-agent", value_name = "DIRECTORY", value_parser = absolute)]
    agent_directory: String,
    /// A range of the mesh's addresses (`mesh-cidrs` of the policy); may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_MESH_CIDR", required = true, value_delimiter = ',', value_name = "RANGE")]
    mesh_cidr: Vec<IpNet>,
    /// A name server that pods ask directly, on port 53; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_RESOLVER", value_delimiter = ',', value_name = "ADDRESS")]
    resolver: Vec<std::net::IpAddr>,
    /// The sidecar's image.
    #[arg(long, env = "BULKHEAD_PROXY_IMAGE", value_name = "IMAGE", value_parser = word)]
    proxy_image: String,
    /// The image of the init container that installs the capture rules.
    #[arg(long, env = "BULKHEAD_CAPTURE_IMAGE", value_name = "IMAGE", value_parser = word)]
    capture_image: String,
    /// When these images are pulled: Always, IfNotPresent or Never; without it by Kubernetes' own rule.
    #[arg(long, env = "BULKHEAD_PULL_POLICY", value_name = "POLICY", value_parser = pull_policy)]
    pull_policy: Option<PullPolicy>,
    /// Processor time that is kept for a sidecar whose pod says nothing else.
    #[arg(long, env = "BULKHEAD_PROXY_CPU_REQUEST", default_value = "100m", value_name = "AMOUNT")]
    proxy_cpu_request: Quantity,
    /// Memory that is kept for a sidecar whose pod says nothing else.
    #[arg(long, env = "BULKHEAD_PROXY_MEMORY_REQUEST", default_value = "64Mi", value_name = "AMOUNT")]
    proxy_memory_request: Quantity,
    /// The memory beyond which a sidecar is killed whose pod says nothing else; without it there is no such bound.
    #[arg(long, env = "BULKHEAD_PROXY_MEMORY_LIMIT", value_name = "AMOUNT")]
    proxy_memory_limit: Option<Quantity>,
    /// What a sidecar logs whose pod says nothing else: error, warn, info, debug or trace.
    #[arg(long, env = "BULKHEAD_PROXY_LOG", default_value = "info", value_name = "LEVEL")]
    proxy_log: LogLevel,
    /// How many days from now a pod may be permissive at most.
    #[arg(long, env = "BULKHEAD_LONGEST_PERMISSIVE_DAYS", default_value_t = 90, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(..=3650))]
    longest_permissive_days: u64,
}

/// Where it answers, and what a question may cost.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Where it answers, and what a question may cost")]
struct ServingArgs {
    /// Where the API server asks.
    #[arg(long, env = "BULKHEAD_LISTEN", default_value = "[::]:9443", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where /live, /ready and /metrics are answered, without authentication.
    #[arg(long, env = "BULKHEAD_ADMIN", default_value = "0.0.0.0:15021", value_name = "ADDRESS:PORT")]
    admin: SocketAddr,
    /// The namespace in which the mesh's own parts run; its pods, and those of kube-system, are never injected.
    #[arg(long, env = "BULKHEAD_NAMESPACE", default_value = "bulkhead-system", value_name = "NAMESPACE", value_parser = object_name)]
    namespace: String,
    /// A further namespace whose pods are never injected; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_EXCLUDE_NAMESPACE", value_delimiter = ',', value_name = "NAMESPACE", value_parser = object_name)]
    exclude_namespace: Vec<String>,
    /// A larger question is refused. The default holds a pod of 3 MiB, before and after a change.
    #[arg(long, env = "BULKHEAD_MAX_REQUEST_BYTES", default_value_t = 7 * 1024 * 1024, value_name = "BYTES")]
    max_request_bytes: usize,
    /// A question with more JSON values is refused before it is parsed, which takes some hundreds of bytes for each. The
    /// default is some hundred times what a large pod has.
    #[arg(long, env = "BULKHEAD_MAX_REQUEST_VALUES", default_value_t = 300_000, value_name = "NUMBER")]
    max_request_values: usize,
    /// How many questions are worked on at a time; further ones wait within their deadline.
    #[arg(long, env = "BULKHEAD_MAX_REQUESTS", default_value = "16", value_name = "NUMBER")]
    max_requests: std::num::NonZeroU16,
    /// How many connections are open at a time; further ones wait in the kernel's queue.
    #[arg(long, env = "BULKHEAD_MAX_CONNECTIONS", default_value = "256", value_name = "NUMBER")]
    max_connections: std::num::NonZeroU16,
    /// A TLS handshake that takes longer is given up.
    #[arg(long, env = "BULKHEAD_HANDSHAKE_TIMEOUT", default_value = "3", value_name = "SECONDS", value_parser = seconds)]
    handshake_timeout: Duration,
    /// A question that takes longer is given up; less than `timeoutSeconds` of the webhook configuration.
    #[arg(long, env = "BULKHEAD_REQUEST_TIMEOUT", default_value = "8", value_name = "SECONDS", value_parser = seconds)]
    request_timeout: Duration,
    /// How long it goes on answering when told to end, until every API server asks another replica.
    #[arg(long, env = "BULKHEAD_DRAIN", default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    drain: Duration,
    /// An Event that says the same of the same owner is not written again within this time.
    #[arg(long, env = "BULKHEAD_EVENT_PAUSE", default_value = "300", value_name = "SECONDS", value_parser = seconds)]
    event_pause: Duration,
}

/// Its certificate.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Its certificate")]
struct CertificateArgs {
    /// The MutatingWebhookConfiguration in which the API server finds whom to ask and by which CA to know it.
    #[arg(long, env = "BULKHEAD_WEBHOOK_CONFIGURATION", default_value = "bulkhead-injector", value_name = "NAME", value_parser = object_name)]
    webhook_configuration: String,
    /// The Service by which the API server reaches it; its certificate is for `<service>.<namespace>.svc`.
    #[arg(long, env = "BULKHEAD_SERVICE", default_value = "bulkhead-injector", value_name = "NAME", value_parser = object_name)]
    service: String,
    /// The Secret that all replicas share, in `--namespace`; it must be there, and may be empty.
    #[arg(long, env = "BULKHEAD_CERTIFICATE_SECRET", default_value = "bulkhead-injector-certificate", value_name = "NAME", value_parser = object_name)]
    certificate_secret: String,
    /// What the certificate is for instead of the Service: a name or an address; may be given several times.
    #[arg(long, env = "BULKHEAD_SERVING_NAME", value_delimiter = ',', value_name = "NAME", value_parser = word)]
    serving_name: Vec<String>,
    /// How long a certificate and its CA are good for.
    #[arg(long, env = "BULKHEAD_CERTIFICATE_LIFETIME", default_value = "7776000", value_name = "SECONDS", value_parser = seconds)]
    certificate_lifetime: Duration,
    /// How long before its end a certificate is replaced.
    #[arg(long, env = "BULKHEAD_CERTIFICATE_RENEWAL", default_value = "2592000", value_name = "SECONDS", value_parser = seconds)]
    certificate_renewal: Duration,
    /// How long a new CA stands in the webhook configuration before its certificate is used: until every API server has
    /// seen it.
    #[arg(long, env = "BULKHEAD_CERTIFICATE_SETTLE", default_value = "60", value_name = "SECONDS", value_parser = seconds)]
    certificate_settle: Duration,
    /// How often the Secret and the webhook configuration are looked at.
    #[arg(long, env = "BULKHEAD_CERTIFICATE_CHECK", default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    certificate_check: Duration,
}

impl TryFrom<Args> for Config {
    type Error = InjectorError;

    fn try_from(args: Args) -> Result<Self, InjectorError> {
        let Args { pods, serving, certificate } = args;
        let mut never_injected = [SYSTEM.to_owned(), serving.namespace.clone()].to_vec();
        never_injected.extend(serving.exclude_namespace);
        Ok(Self {
            settings: pods.settings()?,
            listen: serving.listen,
            admin: serving.admin,
            never_injected: never_injected.into_iter().collect(),
            limits: Limits {
                request_bytes: serving.max_request_bytes,
                request_values: serving.max_request_values,
                requests: serving.max_requests.get().into(),
                connections: serving.max_connections.get().into(),
                handshake: serving.handshake_timeout,
                request: serving.request_timeout,
                drain: serving.drain,
            },
            event_pause: serving.event_pause,
            certificate: certificate.config(serving.namespace)?,
        })
    }
}

impl PodArgs {
    fn settings(self) -> Result<Settings, InjectorError> {
        for (flag, amount) in [
            ("proxy-memory-request", Some(&self.proxy_memory_request)),
            ("proxy-memory-limit", self.proxy_memory_limit.as_ref()),
        ] {
            if let Some(amount) = amount.filter(|amount| !amount.is_whole()) {
                return Err(InjectorError::NoWholeBytes { flag, amount: amount.clone() });
            }
        }
        Ok(Settings {
            version: VERSION.to_owned(),
            images: Images { proxy: self.proxy_image, capture: self.capture_image, pull_policy: self.pull_policy },
            ca: self.ca,
            trust_domain: self.trust_domain,
            audience: self.token_audience,
            trust_config_map: self.trust_config_map,
            agent_directory: self.agent_directory,
            mesh_cidrs: self.mesh_cidr,
            resolvers: self.resolver,
            resources: Resources {
                cpu_request: self.proxy_cpu_request,
                memory_request: self.proxy_memory_request,
                memory_limit: self.proxy_memory_limit,
            },
            log_level: self.proxy_log,
            longest_permissive: Duration::from_hours(self.longest_permissive_days * 24),
        })
    }
}

impl CertificateArgs {
    /// A new certificate must have been made, published, settled and seen before the old one ends.
    fn config(self, namespace: String) -> Result<CertificateConfig, InjectorError> {
        let (lifetime, renewal) = (self.certificate_lifetime, self.certificate_renewal);
        if renewal >= lifetime {
            return Err(InjectorError::RenewalTooEarly { renewal, lifetime });
        }
        let needed =
            self.certificate_settle.saturating_add(self.certificate_check.saturating_mul(CHECKS_OF_A_ROTATION));
        if renewal <= needed {
            return Err(InjectorError::RenewalTooLate { renewal, needed });
        }
        let names = if self.serving_name.is_empty() {
            vec![format!("{}.{namespace}.svc", self.service)]
        } else {
            self.serving_name
        };
        Ok(CertificateConfig {
            configuration: self.webhook_configuration,
            secret: self.certificate_secret,
            namespace,
            names: Names::new(names)?,
            lifetime,
            renewal,
            settle: self.certificate_settle,
            check: self.certificate_check,
        })
    }
}

/// `host:port`; what stands here reaches every pod, so that a typing error is found at once.
fn ca_address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match parts.map(|(_, port)| port.parse::<std::num::NonZeroU16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("must be `host:port`, for example `bulkhead-ca.bulkhead-system.svc:15010`".to_owned()),
    }
}

fn word(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("must be one word, and not empty".to_owned());
    }
    Ok(text.to_owned())
}

/// The root itself would leave no pod a directory of its node.
fn absolute(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.chars().all(|c| c == '/') {
        return Err("must be a directory such as `/var/lib/bulkhead-agent`".to_owned());
    }
    Ok(text.to_owned())
}

/// A name of a Kubernetes object (RFC 1123).
fn object_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if text.is_empty() || text.len() > 253 || !text.chars().all(allowed) {
        return Err("a name in Kubernetes has 1 to 253 of a-z, 0-9, `-` and `.`".to_owned());
    }
    Ok(text.to_owned())
}

fn pull_policy(text: &str) -> Result<PullPolicy, String> {
    match text {
        "Always" => Ok(PullPolicy::Always),
        "IfNotPresent" => Ok(PullPolicy::IfNotPresent),
        "Never" => Ok(PullPolicy::Never),
        _ => Err("must be Always, IfNotPresent or Never".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds.into())),
        _ => Err(format!("must be a whole number of seconds from 1 to {}", u32::MAX)),
    }
}

/// The cluster's own namespace.
const SYSTEM: &str = "kube-system";
/// One to make the certificate, one to publish its CA, one to see it there, one to use it; and as many that may fail.
const CHECKS_OF_A_ROTATION: u32 = 8;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    const NEEDED: [&str; 5] = [
        "--ca=ca:1",
        "--trust-domain=prod.example",
        "--mesh-cidr=10.0.0.0/8",
        "--proxy-image=p:1",
        "--capture-image=c:1",
    ];

    fn read(more: &[&str]) -> Result<Config, String> {
        let line = ["injector"].iter().chain(&NEEDED).chain(more);
        let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
        Config::try_from(line.args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_chart() {
        let config = read(&[]).unwrap();
        assert_eq!(config.settings.audience, "bulkhead-ca");
        assert_eq!(config.settings.trust_config_map, "bulkhead-trust");
        assert_eq!(config.settings.agent_directory, "/var/lib/bulkhead-agent");
        assert_eq!(config.listen.to_string(), "[::]:9443");
        assert_eq!(config.certificate.names.to_string(), "bulkhead-injector.bulkhead-system.svc");
        assert!(["kube-system", "bulkhead-system"].iter().all(|name| config.never_injected.contains(*name)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_sentence() {
        for (flags, says) in [
            (&["--ca=ca"][..], "must be `host:port`"),
            (&["--pull-policy=always"], "Always, IfNotPresent or Never"),
            (&["--proxy-log=loud"], "not one of error, warn"),
            (&["--proxy-memory-limit=128m"], "no whole number of bytes"),
            (&["--namespace=Mesh"], "1 to 253 of a-z"),
            (&["--agent-directory=agent"], "must be a directory such as"),
            (&["--agent-directory=/"], "must be a directory such as"),
            (&["--certificate-lifetime=0"], "whole number of seconds"),
            (&["--certificate-lifetime=100", "--certificate-renewal=100"], "must be less than"),
            (&["--certificate-renewal=100"], "must be more than"),
            (&["--max-requests=0"], "max-requests"),
            (&["--serving-name=a b"], "one word"),
            (&["--serving-name=ä"], "neither a name nor an address"),
        ] {
            let said = read(flags).unwrap_err();
            assert!(said.contains(says), "{flags:?}: {said}");
        }
    }

    #[test]
    fn a_name_may_be_an_address_and_replaces_the_services() {
        let config = read(&["--serving-name=127.0.0.1,localhost"]).unwrap();
        assert_eq!(config.certificate.names.to_string(), "127.0.0.1, localhost");
    }
}
