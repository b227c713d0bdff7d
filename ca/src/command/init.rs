//! The flags of `init`, and what it says when it is done.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bulkhead_ca::init::{Founded, OPERATOR_LIFETIME, Plan, RootPlan, is_founded};
use bulkhead_ca::seal::Unsealer;
use bulkhead_mesh::policy::Period;
use bulkhead_mesh::{OperatorName, TrustDomain};
use clap::{Args, ValueEnum};

use super::unseal::{RootUnseal, Unseal};

/// Flags of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The mesh's trust domain, e.g. `prod.example`; it stands in every certificate and never changes.
    #[arg(long, env = "BULKHEAD_TRUST_DOMAIN")]
    trust_domain: TrustDomain,
    /// The directory to make; it must not exist or be empty.
    #[arg(long, env = "BULKHEAD_CA_DIR", value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    /// The name of the first operator, who gets the role `owner`.
    #[arg(long, default_value = "admin", value_name = "NAME")]
    operator: OperatorName,
    /// Where to write the operator's key and certificate; by default below the directory.
    #[arg(long, value_name = "FILE")]
    operator_file: Option<PathBuf>,
    /// How long the operator's certificate lives, e.g. `90d`.
    #[arg(long, default_value_t = Period::from_secs(OPERATOR_LIFETIME.as_secs()))]
    operator_lifetime: Period,
    /// A file with the mesh's first policy, in YAML; without it the default one is in force until another is applied.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The name of a second operator, who gets the role `responder`: may throw nodes out, and nothing else.
    #[arg(long, value_name = "NAME", requires = "responder_file")]
    responder: Option<OperatorName>,
    /// Where to write the responder's key and certificate.
    #[arg(long, value_name = "FILE", requires = "responder")]
    responder_file: Option<PathBuf>,
    /// Where to write the sealed key of the root; by default below the directory. Nothing may lie there.
    #[arg(long, value_name = "DIR")]
    root_dir: Option<PathBuf>,
    /// Founds the authority under a root that exists: a directory with its certificate `root.pem` and its sealed key
    /// `root.key.sealed`. Nothing of it is kept but the certificate.
    #[arg(long, value_name = "DIR", conflicts_with = "root_dir")]
    existing_root: Option<PathBuf>,
    #[command(flatten)]
    root_unseal: RootUnseal,
    /// Does nothing, and says so, where an authority was founded already: for a job that may run again.
    #[arg(long)]
    if_new: bool,
    /// How to print what was made.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl Init {
    /// Whether there is nothing to do: `--if-new`, and an authority in the directory.
    pub(crate) fn is_done(&self) -> bool {
        self.if_new && is_founded(&self.dir)
    }

    /// The directory of the authority.
    pub(crate) fn directory(&self) -> &Path {
        &self.dir
    }

    /// What was asked for, with the keys' openers and the policy read or made.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        let (root, root_unsealer) = self.root()?;
        Ok(Plan {
            trust_domain: self.trust_domain.clone(),
            directory: self.dir.clone(),
            unsealer: self.unseal.read_or_create()?,
            root,
            root_unsealer,
            policy: self.policy.as_deref().map(read_policy).transpose()?,
            operator: self.operator.clone(),
            operator_file: self.operator_file.clone(),
            operator_lifetime: self.operator_lifetime.duration(),
            responder: self.responder.clone().zip(self.responder_file.clone()),
        })
    }

    /// Which root, and what opens it. What opens one that exists is never made.
    fn root(&self) -> anyhow::Result<(RootPlan, Option<Unsealer>)> {
        Ok(match self.existing_root.clone() {
            Some(directory) => (RootPlan::Existing { directory }, self.root_unseal.read()?),
            None => (RootPlan::New { directory: self.root_dir.clone() }, self.root_unseal.read_or_create()?),
        })
    }
}

fn read_policy(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read the policy {}", file.display()))
}

/// Says that there was nothing to do.
#[allow(clippy::print_stderr, reason = "the answer of a command")]
pub(crate) fn print_founded_before(directory: &Path) {
    eprintln!("an authority was founded in {} before; nothing was changed", directory.display());
}

/// Says what `init` made: paths to standard output, advice to standard error.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the answer of a command")]
pub(crate) fn print_founded(founded: &Founded, output: Output) {
    let (root, operator) = (founded.root_certificate.display(), founded.operator_file.display());
    match output {
        Output::Text => {
            println!("root certificate: {root}\noperator: {operator}");
            if let Some(responder) = &founded.responder_file {
                println!("responder: {}", responder.display());
            }
            if let Some(directory) = &founded.root_directory {
                println!("sealed root key: {}", directory.display());
            }
        }
        Output::Json => println!(
            "{}",
            serde_json::json!({
                "root_certificate": founded.root_certificate,
                "operator_file": founded.operator_file,
                "responder_file": founded.responder_file,
                "root_directory": founded.root_directory,
            })
        ),
    }
    eprintln!("hint: {}", founded.hint());
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        init: Init,
    }

    fn read(directory: &Path, words: &[&str]) -> Result<Init, clap::Error> {
        let at = |name: &str| directory.join(name).display().to_string();
        let needed = ["init", "--trust-domain=prod.example", "--dir", &at("ca"), "--unseal-file", &at("unseal")];
        Line::try_parse_from([&needed[..], words].concat()).map(|line| line.init)
    }

    #[test]
    fn a_root_that_exists_is_not_written_anywhere() {
        let directory = Path::new("/nowhere");
        assert!(read(directory, &["--existing-root=/root", "--root-unseal-file=/opener"]).is_ok());
        for contradiction in [
            &["--existing-root=/root", "--root-dir=/other"][..],
            &["--root-unseal-file=/opener", "--root-passphrase-file=/phrase"],
        ] {
            let refused = read(directory, contradiction).unwrap_err();
            assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict, "{refused}");
        }
    }

    #[test]
    fn what_opens_a_root_is_made_for_a_new_one_only() {
        let directory = tempfile::tempdir().unwrap();
        let opener = directory.path().join("opener");
        let opened_by = format!("--root-unseal-file={}", opener.display());
        let existing = read(directory.path(), &["--existing-root=/root", &opened_by]).unwrap();
        let refused = existing.plan().unwrap_err();
        assert!(refused.to_string().contains("opener"), "{refused}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        let plan = read(directory.path(), &[&opened_by]).unwrap().plan().unwrap();
        assert_eq!(plan.root, RootPlan::New { directory: None });
        assert!(plan.root_unsealer.is_some() && opener.exists());
    }
}
