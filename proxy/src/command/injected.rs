//! What the injector writes into a pod is what both commands read there.
//!
//! A test cannot change its own environment without `unsafe` code; so each variable is given by the flag that says it
//! reads it.

use std::net::{IpAddr, SocketAddr};

use bulkhead_cluster::injection::{Images, LogLevel, Namespace, Outcome, Resources, Settings, inject};
use bulkhead_mesh::Timestamp;
use clap::{CommandFactory as _, Parser as _};
use serde_json::{Value, json};

use super::{CaptureCommand, Cli, Command};
use crate::capture::{CaptureConfig, Ports};
use crate::identity_source::Origin;
use crate::run::RunConfig;

const CONTAINERS: [&str; 2] = ["bulkhead-capture", "bulkhead-proxy"];

fn settings() -> Settings {
    let quantity = |text: &str| text.parse().unwrap();
    Settings {
        version: "0.1.0".into(),
        images: Images { proxy: "proxy:1".into(), capture: "capture:1".into(), pull_policy: None },
        ca: vec!["bulkhead-ca.bulkhead-system:15010".into(), "ca-2.example:15010".into()],
        trust_domain: "prod.example".parse().unwrap(),
        audience: "bulkhead-ca".into(),
        trust_config_map: "bulkhead-trust".into(),
        agent_directory: "/var/lib/bulkhead-agent".into(),
        mesh_cidrs: vec!["10.244.0.0/16".parse().unwrap(), "10.96.0.0/16".parse().unwrap()],
        resolvers: vec!["10.96.0.10".parse().unwrap(), "fd00::10".parse().unwrap()],
        resources: Resources { cpu_request: quantity("100m"), memory_request: quantity("32Mi"), memory_limit: None },
        log_level: LogLevel::Debug,
        longest_permissive: std::time::Duration::from_hours(24),
    }
}

/// A pod with everything that an annotation can say of ports and addresses, and with a probe.
fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": {
            "bulkhead-mesh.dev/exclude-inbound-ports": "9090,9091",
            "bulkhead-mesh.dev/exclude-outbound-ports": "5432",
            "bulkhead-mesh.dev/exclude-outbound-cidrs": "192.0.2.0/24,2001:db8::/32",
            "bulkhead-mesh.dev/permissive-until": "2026-11-25T00:00:00Z",
        }},
        "spec": {"containers": [{
            "name": "app",
            "image": "app:1",
            "livenessProbe": {"httpGet": {"path": "/price?in=$", "port": 8080}},
        }]},
    })
}

/// The containers that the injector adds to a pod, by name.
fn injected(name: &str) -> Value {
    let namespace =
        Namespace { name: "shop".into(), inject: Some("enabled".into()), pod_security: None, is_system: false };
    let outcome = inject(&pod(), &namespace, &settings(), Timestamp::from_secs(1_795_541_812));
    let Outcome::Patched(patch) = outcome else { panic!("{outcome:?}") };
    let patch = serde_json::to_value(patch).unwrap();
    let added = patch.as_array().unwrap().iter().map(|operation| &operation["value"]);
    let containers = added.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]));
    containers.into_iter().find(|container| container["name"] == name).unwrap_or_else(|| panic!("{patch:#}"))
}

/// Parses the container's command line with each of its variables as the flag that reads it.
fn parsed(container: &Value) -> Cli {
    let mut words = texts(&container["command"]);
    words.extend(texts(&container["args"]));
    let root = Cli::command();
    let command = words[1..].iter().fold(&root, |command, word| command.find_subcommand(word).unwrap());
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let reads = |argument: &&clap::Arg| argument.get_env().is_some_and(|env| env == name);
        let argument = command.get_arguments().chain(root.get_arguments()).find(reads);
        let flag = argument.and_then(clap::Arg::get_long).unwrap_or_else(|| panic!("{name} is read by no flag"));
        // What the kubelet puts in: the pod's addresses, with commas between.
        let value = variable["value"].as_str().unwrap_or("10.244.1.7,fd00::7");
        words.push(format!("--{flag}={value}"));
    }
    Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_sidecar_reads_what_the_injector_writes() {
    let cli = parsed(&injected(CONTAINERS[1]));
    assert_eq!(cli.log, "debug");
    let Command::Run(args) = cli.command else { panic!("not `run`") };
    let config = RunConfig::from(*args);
    let Origin::PodToken(source) = &config.identity else { panic!("{:?}", config.identity) };
    assert_eq!(source.token.path().to_str(), Some("/var/run/secrets/bulkhead-mesh.dev/token"));
    assert_eq!(source.roots.path().to_str(), Some("/etc/bulkhead/root.pem"));
    assert_eq!(source.roots.trust_domain().as_str(), "prod.example");
    assert_eq!((&source.ca, &source.state), (&settings().ca, &config.state));
    assert_eq!(config.ca, settings().ca);
    assert_eq!(config.ports, Ports { probe: Some(15020), ..expected_ports() });
    assert_eq!(config.probe_address, Some(SocketAddr::new("::".parse().unwrap(), 15020)));
    assert_eq!(config.probes.iter().map(|probe| probe.check.port()).collect::<Vec<_>>(), [8080]);
    assert_eq!(config.excluded, [9090, 9091]);
    assert_eq!(config.addresses, ["10.244.1.7".parse::<IpAddr>().unwrap(), "fd00::7".parse().unwrap()]);
}

#[test]
fn the_capture_container_reads_what_the_injector_writes() {
    let Command::Capture(CaptureCommand::Install(args)) = parsed(&injected(CONTAINERS[0])).command else {
        panic!("not `capture install`")
    };
    let config = CaptureConfig::from(args);
    assert_eq!((config.uid, config.gid, config.host), (10101, 10101, false));
    assert_eq!(config.ports, Ports { probe: Some(15020), ..expected_ports() });
    assert_eq!((&config.mesh, &config.resolvers), (&settings().mesh_cidrs, &settings().resolvers));
    assert_eq!(config.exclusions.inbound_ports, [9090, 9091]);
    assert_eq!(config.exclusions.outbound_ports, [5432]);
    assert_eq!(config.exclusions.outbound, ["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
}

/// The numbers that the injector writes are the program's own defaults.
fn expected_ports() -> Ports {
    let defaults = Ports::default();
    assert_eq!((defaults.outbound, defaults.inbound, defaults.tunnel), (15001, 15006, 15008));
    defaults
}

#[test]
fn the_flags_of_the_token_come_together_or_not_at_all() {
    let parse = |flags: &[&str]| Cli::try_parse_from([&["bulkhead-proxy", "run", "--ca", "a:1"], flags].concat());
    let all = ["--pod-token", "/t", "--roots", "/r", "--trust-domain", "prod.example"];
    assert!(parse(&all).is_ok() && parse(&[]).is_ok());
    for left_out in [0, 2, 4] {
        let some = [&all[..left_out], &all[left_out + 2..]].concat();
        let error = parse(&some).unwrap_err().to_string();
        assert!(error.contains(all[left_out]), "{error}");
    }
    let error = parse(&[&all[..], &["--workload-api", "unix:///run/api.sock"]].concat()).unwrap_err().to_string();
    assert!(error.contains("cannot be used with") && error.contains("--workload-api"), "{error}");
}
