//! `bulkhead token`: the secret that admits a node.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use bulkhead_mesh::{Label, NodeName, Period};
use clap::Subcommand;

use crate::client::NewToken;
use crate::print;
use crate::record::{Token, TokenInFile};
use crate::session::Session;
use crate::{CliError, Exit};

/// What can be done with join tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token that admits one node once.
    ///
    /// The token is a secret: it goes to stdout or into a file of mode 0600, never onto a command line, where everybody
    /// on the machine could read it.
    #[command(after_help = "\
Example:
  bulkhead token create --node n1 --clearance confidential:pci --out n1.token")]
    Create(Create),
}

/// What a token is to admit.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The name under which the node will be known.
    #[arg(long)]
    node: NodeName,
    /// The highest label of which the node's workloads may be.
    #[arg(long, value_name = "LABEL")]
    clearance: Label,
    /// How long the token may wait to be used.
    #[arg(long, value_name = "PERIOD", default_value = "15m")]
    lifetime: Period,
    /// A new file to write the token into, instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl TokenCommand {
    /// Runs the command.
    pub async fn run(self, session: &Session) -> Result<Exit, CliError> {
        let Self::Create(Create { node, clearance, lifetime, out }) = self;
        let new = NewToken { node, clearance, lifetime: lifetime.duration() };
        match out {
            None => session.show(&create(session, new).await?)?,
            Some(path) => into_file(session, new, path).await?,
        }
        Ok(Exit::Done)
    }
}

async fn create(session: &Session, new: NewToken) -> Result<Token, CliError> {
    let token = session.client().await?.create_token(new).await?;
    print::note(&format!("admits {} once, until {}", token.node, token.expires));
    Ok(token)
}

async fn into_file(session: &Session, new: NewToken, path: PathBuf) -> Result<(), CliError> {
    // First the file, then the secret: one that cannot be kept is not made.
    let file = NewFile::create(path)?;
    let token = create(session, new).await?;
    let Token { node, expires, .. } = token.clone();
    session.show(&TokenInFile { node, file: file.keep(&token.token)?, expires })
}

/// A file that goes away again unless it gets its content.
struct NewFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    fn create(path: PathBuf) -> Result<Self, CliError> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok(Self { path, file, kept: false }),
            Err(source) => Err(CliError::TokenFile { path, source }),
        }
    }

    fn keep(mut self, token: &str) -> Result<PathBuf, CliError> {
        let written = self.file.write_all(token.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        let path = || self.path.clone();
        written.and_then(|()| self.file.sync_all()).map_err(|source| CliError::TokenFile { path: path(), source })?;
        self.kept = true;
        Ok(path())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // The error that brought us here is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_its_owner_can_read_a_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = NewFile::create(directory.path().join("n1.token")).unwrap().keep("secret").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("n1.token");
        fs::write(&path, "another").unwrap();
        let refused = NewFile::create(path.clone()).err().unwrap();
        assert!(refused.hint().unwrap().contains("never overwritten"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }

    #[test]
    fn a_token_that_was_not_made_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        drop(NewFile::create(directory.path().join("n1.token")).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
