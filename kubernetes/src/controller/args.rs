//! Every flag of the controller, its environment variable and its documentation.

use std::net::SocketAddr;
use std::path::PathBuf;

use bulkhead_mesh::TrustDomain;

use super::authority::Files;
use super::directory::Limits;
use super::run::Config;

/// Tells the CA what stands where in the cluster and looks after what pods need, until it gets SIGTERM or SIGINT.
///
/// Watches pods, services, EndpointSlices and namespaces; keeps the CA's directory as they are; puts the mesh's roots into a
/// ConfigMap of each namespace that needs them; reports pods that should have a sidecar and have none. What it cannot reach
/// it tries again for ever, and says so at `/ready`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  bulkhead-kubernetes controller --ca bulkhead-ca.bulkhead-system.svc:15010 --trust-domain prod.example --namespace bulkhead-system"
)]
pub struct Args {
    /// Where the CA answers; may be given several times, or with commas between.
    #[arg(long, env = "BULKHEAD_CA", required = true, value_delimiter = ',', value_name = "HOST:PORT", value_parser = ca_address)]
    pub ca: Vec<String>,
    /// The token of this pod for the CA; it is read anew each time.
    #[arg(
        long,
        env = "BULKHEAD_POD_TOKEN",
        default_value = "/var/run/secrets/bulkhead-mesh.dev/token",
        value_name = "FILE"
    )]
    pub pod_token: PathBuf,
    /// The mesh's roots, PEM: by them the CA is known, and they are what namespaces get; they are read anew each time.
    #[arg(long, env = "BULKHEAD_ROOTS", default_value = "/etc/bulkhead/root.pem", value_name = "FILE")]
    pub roots: PathBuf,
    /// The trust domain of the mesh.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN", value_name = "NAME")]
    pub trust_domain: TrustDomain,
    /// The namespace in which the mesh's own parts run; its roots are not the controller's to write.
    #[arg(long, env = "BULKHEAD_NAMESPACE", value_name = "NAME")]
    pub namespace: String,
    /// A namespace that is never injected, beside the mesh's own; may be given several times, or with commas between.
    #[arg(
        long,
        env = "BULKHEAD_EXCLUDE_NAMESPACE",
        value_delimiter = ',',
        default_value = "kube-system,kube-public,kube-node-lease",
        value_name = "NAME"
    )]
    pub exclude_namespace: Vec<String>,
    /// The ConfigMap with the mesh's roots in each namespace that needs them, under the key `root.pem`.
    #[arg(long, env = "BULKHEAD_TRUST_CONFIG_MAP", default_value = "bulkhead-trust", value_name = "NAME")]
    pub trust_config_map: String,
    /// Where `/live`, `/ready` and `/metrics` are answered.
    #[arg(long, env = "BULKHEAD_ADMIN", default_value = "0.0.0.0:15021", value_name = "ADDRESS:PORT")]
    pub admin: SocketAddr,
    /// How many pods are kept in memory and told; further ones are left out, counted and logged.
    #[arg(long, env = "BULKHEAD_MAX_PODS", default_value_t = Limits::default().pods, value_name = "NUMBER", value_parser = positive)]
    pub max_pods: usize,
    /// How many services are kept in memory and told; further ones are left out, counted and logged.
    #[arg(long, env = "BULKHEAD_MAX_SERVICES", default_value_t = Limits::default().services, value_name = "NUMBER", value_parser = positive)]
    pub max_services: usize,
    /// How many endpoints, of all services together, are kept in memory and told; an EndpointSlice with more is left out.
    #[arg(long, env = "BULKHEAD_MAX_ENDPOINTS", default_value_t = Limits::default().endpoints, value_name = "NUMBER", value_parser = positive)]
    pub max_endpoints: usize,
    /// Of how many pods and services one message to the CA speaks; the CA takes 1000.
    #[arg(long, env = "BULKHEAD_MAX_WRITE_ITEMS", default_value_t = Limits::default().items, value_name = "NUMBER", value_parser = items)]
    pub max_write_items: usize,
    /// About how many bytes one message to the CA has; a single large service may need up to 2 MB all the same.
    #[arg(long, env = "BULKHEAD_MAX_WRITE_BYTES", default_value_t = Limits::default().bytes, value_name = "BYTES", value_parser = positive)]
    pub max_write_bytes: usize,
    /// How many messages may wait for the CA's answer.
    #[arg(long, env = "BULKHEAD_MAX_UNANSWERED", default_value_t = 4, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub max_unanswered: u16,
}

impl From<Args> for Config {
    fn from(args: Args) -> Self {
        Self {
            ca: args.ca,
            files: Files { token: args.pod_token, roots: args.roots, trust_domain: args.trust_domain },
            excluded: args.exclude_namespace.into_iter().chain([args.namespace]).map(Into::into).collect(),
            trust_map: args.trust_config_map,
            admin: args.admin,
            limits: Limits {
                pods: args.max_pods,
                services: args.max_services,
                endpoints: args.max_endpoints,
                items: args.max_write_items,
                bytes: args.max_write_bytes,
                unanswered: args.max_unanswered.into(),
            },
        }
    }
}

fn ca_address(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| "not `host:port`".into())
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "not a number from 1 up".into())
}

fn items(text: &str) -> Result<usize, String> {
    positive(text).ok().filter(|number| *number <= 1000).ok_or_else(|| "not a number from 1 to 1000".into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn config(more: &[&str]) -> Result<Config, clap::Error> {
        let needed =
            ["controller", "--ca", "ca:15010,ca-2:15010", "--trust-domain", "prod.example", "--namespace", "mesh"];
        Line::try_parse_from(needed.iter().chain(more)).map(|line| line.args.into())
    }

    fn excluded(more: &[&str]) -> Vec<String> {
        config(more).unwrap().excluded.into_iter().map(String::from).collect()
    }

    #[test]
    fn what_is_not_said_is_as_the_chart_has_it() {
        let config = config(&[]).unwrap();
        assert_eq!(config.ca, ["ca:15010", "ca-2:15010"]);
        assert_eq!((config.trust_map.as_str(), config.admin.port()), ("bulkhead-trust", 15021));
        assert_eq!(config.files.token.to_str(), Some("/var/run/secrets/bulkhead-mesh.dev/token"));
        assert_eq!(config.files.roots.to_str(), Some("/etc/bulkhead/root.pem"));
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn the_meshs_own_namespace_is_always_excluded() {
        assert_eq!(excluded(&[]), ["kube-node-lease", "kube-public", "kube-system", "mesh"]);
        assert_eq!(excluded(&["--exclude-namespace", "a,b", "--exclude-namespace", "c"]), ["a", "b", "c", "mesh"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            ["--ca", "ca"],
            ["--max-write-items", "1001"],
            ["--max-write-items", "0"],
            ["--max-pods", "0"],
            ["--max-unanswered", "0"],
            ["--max-unanswered", "65"],
        ] {
            assert!(config(&wrong).is_err(), "{wrong:?}");
        }
    }
}
