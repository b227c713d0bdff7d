//! How the keys of the CA are opened: by a file, never by an argument.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_ca::seal::Unsealer;
use clap::Args;

use super::with_hint;

/// How the keys are opened.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Unseal {
    /// A file with 32 random bytes that opens the keys, readable by its owner only; `init` makes it if it is missing.
    #[arg(long, env = "BULKHEAD_UNSEAL_FILE", value_name = "FILE")]
    unseal_file: Option<PathBuf>,
    /// A file with the passphrase that opens the keys, or `-` for standard input. Never an argument.
    #[arg(long, env = "BULKHEAD_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Unseal {
    /// Reads what opens the keys.
    pub(super) fn read(&self) -> anyhow::Result<Unsealer> {
        let opened = match (&self.unseal_file, &self.passphrase_file) {
            (Some(file), _) => Unsealer::read_unseal_file(file),
            (None, Some(file)) if file == Path::new("-") => Unsealer::read_passphrase(io::stdin()),
            (None, Some(file)) => Unsealer::read_passphrase_file(file),
            (None, None) => anyhow::bail!("`--unseal-file` or `--passphrase-file` must say how the keys are opened"),
        };
        opened.map_err(with_hint)
    }

    /// The same, but makes a missing unseal file.
    pub(super) fn read_or_create(&self) -> anyhow::Result<Unsealer> {
        match &self.unseal_file {
            Some(file) => unseal_file(file),
            None => self.read(),
        }
    }
}

/// How the root's key alone is opened.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct RootUnseal {
    /// A file with 32 random bytes that opens the root's key alone, readable by its owner only; for a new root it is made if
    /// it is missing. By default the root's key is opened as the others are.
    #[arg(long, value_name = "FILE")]
    root_unseal_file: Option<PathBuf>,
    /// A file with the passphrase that opens the root's key alone. Never an argument.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
}

impl RootUnseal {
    /// Reads what opens the root's key, if it is something of its own.
    pub(super) fn read(&self) -> anyhow::Result<Option<Unsealer>> {
        let opened = match (&self.root_unseal_file, &self.root_passphrase_file) {
            (Some(file), _) => Unsealer::read_unseal_file(file),
            (None, Some(file)) => Unsealer::read_passphrase_file(file),
            (None, None) => return Ok(None),
        };
        opened.map(Some).map_err(with_hint)
    }

    /// The same, but makes a missing unseal file.
    pub(super) fn read_or_create(&self) -> anyhow::Result<Option<Unsealer>> {
        match &self.root_unseal_file {
            Some(file) => unseal_file(file).map(Some),
            None => self.read(),
        }
    }
}

/// What an unseal file opens; a missing one is made.
fn unseal_file(file: &Path) -> anyhow::Result<Unsealer> {
    let is_missing = File::open(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let opened = if is_missing {
        Unsealer::create_unseal_file(file, bulkhead_ca::dice::random()?)
    } else {
        Unsealer::read_unseal_file(file)
    };
    opened.map_err(with_hint)
}
