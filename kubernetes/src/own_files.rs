//! Copies of files that only the own user may read. Whoever mounts a Secret into a pod shows it to a group at least, and the
//! programs refuse a key that others can read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Copies the files of a directory into another one, where only their owner may read them.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  bulkhead-kubernetes own-files --from /given --into /run/keys")]
pub struct Args {
    /// Where a Secret or several are mounted; what begins with a dot is Kubernetes' own and left out.
    #[arg(long, env = "BULKHEAD_OWN_FILES_FROM", value_name = "DIRECTORY")]
    pub from: PathBuf,
    /// Where the copies go; a file of the same name is replaced.
    #[arg(long, env = "BULKHEAD_OWN_FILES_INTO", value_name = "DIRECTORY")]
    pub into: PathBuf,
}

/// Why the files could not be copied.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum OwnFilesError {
    #[error("cannot list {path}", path = .path.display())]
    List { path: PathBuf, source: io::Error },
    #[error("cannot copy {path}", path = .path.display())]
    Copy { path: PathBuf, source: io::Error },
    #[error("{path} is no directory with files", path = .path.display())]
    Empty { path: PathBuf },
}

/// Copies them.
pub fn run(args: &Args) -> Result<(), OwnFilesError> {
    let listed = |source| OwnFilesError::List { path: args.from.clone(), source };
    let mut copied = 0;
    for entry in fs::read_dir(&args.from).map_err(listed)? {
        let name = entry.map_err(listed)?.file_name();
        let path = args.from.join(&name);
        // A mounted Secret's files are links into a hidden directory.
        if name.as_encoded_bytes().starts_with(b".") || !path.is_file() {
            continue;
        }
        copy(&path, &args.into.join(&name)).map_err(|source| OwnFilesError::Copy { path, source })?;
        copied += 1;
    }
    if copied == 0 { Err(OwnFilesError::Empty { path: args.from.clone() }) } else { Ok(()) }
}

/// A container that starts again finds its own copy, and replaces it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn copies_are_their_owners_alone_and_can_be_made_again() {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let args = Args { from: from.path().into(), into: into.path().into() };
        assert!(matches!(run(&args), Err(OwnFilesError::Empty { .. })));
        fs::create_dir(from.path().join("..data")).unwrap();
        for text in ["old", "new"] {
            fs::write(from.path().join("..data/key"), text).unwrap();
            let _ = symlink("..data/key", from.path().join("key")); // There the second time.
            run(&args).unwrap();
            let copy = into.path().join("key");
            assert_eq!(fs::read_to_string(&copy).unwrap(), text);
            assert_eq!(fs::symlink_metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 1);
    }
}
