//! The stage: a cluster, made by `ci/cluster` or the user's own, and what was seen of it so far.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::shell::Shell;

/// Everything that the steps share.
pub(super) struct Scene {
    pub(super) shell: Shell,
    /// What `ci/cluster` has made; none where the cluster is the user's own.
    pub(super) cluster: Option<PathBuf>,
    /// Where this repository's files lie.
    pub(super) repository: PathBuf,
    /// Seconds from creation to ready of the pods of `shop` before they had sidecars.
    pub(super) ready_without: Vec<u64>,
    /// The objects of the cluster before anything was installed.
    pub(super) before: Option<String>,
    _directory: TempDir,
}

impl Scene {
    /// The cluster of `BULKHEAD_CLUSTER`, else that of `KUBECONFIG`.
    pub(super) fn find() -> Result<Self> {
        let repository = PathBuf::from(
            env::var_os("BULKHEAD_REPOSITORY")
                .context("BULKHEAD_REPOSITORY is not set; `make demo-kubernetes` sets it")?,
        );
        let cluster = env::var_os("BULKHEAD_CLUSTER").map(PathBuf::from);
        let values =
            env::var_os("BULKHEAD_VALUES").map_or_else(|| repository.join("tests/cluster/values.yaml"), PathBuf::from);
        let directory = TempDir::new()?;
        for (name, target) in [
            ("charts", repository.join("charts")),
            ("values.yaml", values),
            ("shop.yaml", repository.join("tests/cluster/shop.yaml")),
            ("strangers.yaml", repository.join("tests/cluster/strangers.yaml")),
        ] {
            std::os::unix::fs::symlink(target, directory.path().join(name))?;
        }
        let shell = Shell { programs: cluster.clone(), directory: directory.path().to_owned() };
        let nodes = shell.ask("kubectl get nodes -o name").context("the cluster does not answer")?;
        ensure!(nodes.lines().count() >= 2, "the story needs two nodes, and the cluster has:\n{nodes}");
        Ok(Self { shell, cluster, repository, ready_without: Vec::new(), before: None, _directory: directory })
    }

    /// The commands of the README's quick start.
    pub(super) fn quick_start(&self) -> Result<Vec<String>> {
        let readme = self.file("README.md")?;
        let (_, after) = readme.split_once(QUICK_START).context("the README has no quick start")?;
        let block =
            after.lines().skip_while(|line| !line.starts_with("    ")).take_while(|line| line.starts_with("    "));
        Ok(block.map(|line| line.trim().to_owned()).collect())
    }

    /// A file of the repository.
    pub(super) fn file(&self, path: impl AsRef<Path>) -> Result<String> {
        let path = self.repository.join(path);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// The heading under which the README says how to begin.
const QUICK_START: &str = "## On Kubernetes\n";
