//! The flags of `init`, and what it says when it is done.

use std::path::PathBuf;

use bulkhead_ca::init::{Founded, OPERATOR_LIFETIME, Plan};
use bulkhead_mesh::policy::Period;
use bulkhead_mesh::{OperatorName, TrustDomain};
use clap::{Args, ValueEnum};

use super::unseal::Unseal;

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
    /// What was asked for, with the keys' opener read or made.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        Ok(Plan {
            trust_domain: self.trust_domain.clone(),
            directory: self.dir.clone(),
            unsealer: self.unseal.read_or_create()?,
            root_unsealer: None,
            operator: self.operator.clone(),
            operator_file: self.operator_file.clone(),
            operator_lifetime: self.operator_lifetime.duration(),
        })
    }
}

/// Says what `init` made: paths to standard output, advice to standard error.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the answer of a command")]
pub(crate) fn print_founded(founded: &Founded, output: Output) {
    let (root, operator) = (founded.root_certificate.display(), founded.operator_file.display());
    match output {
        Output::Text => println!(
            "root certificate: {root}\noperator: {operator}\nsealed root key: {}",
            founded.root_directory.display()
        ),
        Output::Json => println!(
            "{}",
            serde_json::json!({
                "root_certificate": founded.root_certificate,
                "operator_file": founded.operator_file,
                "root_directory": founded.root_directory,
            })
        ),
    }
    eprintln!("hint: {}", founded.hint());
}
