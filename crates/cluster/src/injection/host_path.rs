//! Which directories of a node are nobody's but the node's own: whoever reads there can be the node, or every pod on it.
//!
//! A path is judged by its words, for nobody here can look at the node's disk: what a symbolic link makes of it is not seen,
//! but for `/var/run`, which is one everywhere.

/// What of the node's own is reached from this path: because it is that, or lies below it or above it.
pub(super) fn reached<'a>(path: &str, agent_directory: &'a str) -> Option<&'a str> {
    let path = segments(path);
    let is_reached = |kept: &&str| {
        let kept = segments(kept);
        kept.starts_with(&path) || path.starts_with(&kept)
    };
    [agent_directory].into_iter().chain(KEPT).find(is_reached)
}

/// The path's names from the root on. The kubelet takes every path as one from the root.
fn segments(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            // The API server refuses these, but only after us.
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    if names.starts_with(&["var", "run"]) {
        names.remove(0);
    }
    names
}

/// Short, so that a container that collects logs or asks for the time needs no exemption: only where the identities of the
/// node and of its pods lie, and the sockets by which every container is commanded. There are more ways to become the node
/// for whoever may *write* to its disk as root.
const KEPT: [&str; 19] = [
    // The kubelet: the volumes of all pods, with tokens and keys, and its own certificate.
    "/var/lib/kubelet",
    // How it is known to the API server, and on a control plane's node the authority's key.
    "/etc/kubernetes",
    // The sockets of an agent that runs outside of the cluster.
    "/run/bulkhead",
    // The runtimes: their sockets, and the file systems of all containers.
    "/run/containerd",
    "/var/lib/containerd",
    "/run/crio",
    "/var/lib/containers",
    "/run/docker.sock",
    "/run/docker",
    "/run/podman",
    "/run/cri-dockerd.sock",
    // The same of K3s and RKE2, k0s, MicroK8s and Minikube.
    "/run/k3s",
    "/var/lib/rancher",
    "/etc/rancher",
    "/run/k0s",
    "/var/lib/k0s",
    "/var/snap/microk8s",
    "/var/lib/minikube",
    // Memory, files and roots of every process.
    "/proc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_nodes_own_is_reached_from_above_from_below_and_by_other_names() {
        for (path, expected) in [
            ("/", Some("/srv/agent")),
            ("", Some("/srv/agent")),
            ("/srv", Some("/srv/agent")),
            ("/srv/agent", Some("/srv/agent")),
            ("/srv/agent/", Some("/srv/agent")),
            ("/srv/agent/node.key", Some("/srv/agent")),
            ("/srv/agents", None),
            ("/var", Some("/var/lib/kubelet")),
            ("/var/lib/kubelet/pods/1/volumes", Some("/var/lib/kubelet")),
            ("//var/./lib///kubelet/.", Some("/var/lib/kubelet")),
            ("/var/lib/../lib", Some("/var/lib/kubelet")),
            ("/var/log/../lib/kubelet", Some("/var/lib/kubelet")),
            ("/../../var/lib/kubelet", Some("/var/lib/kubelet")),
            ("var/lib/kubelet", Some("/var/lib/kubelet")),
            ("/var/lib/kubelet-logs", None),
            ("/etc", Some("/etc/kubernetes")),
            ("/etc/localtime", None),
            ("/run", Some("/run/bulkhead")),
            ("/var/run", Some("/run/bulkhead")),
            ("/run/containerd/containerd.sock", Some("/run/containerd")),
            ("/var/run/containerd", Some("/run/containerd")),
            ("/run/crio/crio.sock", Some("/run/crio")),
            ("/var/run/docker.sock", Some("/run/docker.sock")),
            ("/run/k3s/containerd/containerd.sock", Some("/run/k3s")),
            ("/var/run/docker/containerd", Some("/run/docker")),
            ("/etc/rancher/k3s/k3s.yaml", Some("/etc/rancher")),
            ("/run/udev", None),
            ("/proc", Some("/proc")),
            ("/proc/1/root", Some("/proc")),
            ("/var/log", None),
            ("/var/log/pods", None),
            ("/var/lib/docker/containers", None),
            ("/data/lib/kubelet", None),
        ] {
            assert_eq!(reached(path, "/srv/agent"), expected, "{path}");
        }
    }

    #[test]
    fn the_agents_directory_is_known_by_its_other_names_too() {
        for agent in ["/var/run/agent/", "/run/agent", "/run/./x/../agent"] {
            assert_eq!(reached("/var/run/agent/key", agent), Some(agent));
        }
    }
}
