//! Finds the binaries that were built with this program, and refuses all others.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::LabError;
use crate::tool;

/// The built binary of this name: from `BULKHEAD_BIN_DIR`, else from where this program lies.
///
/// Its `--version` must end in `(build <id>)` with the id that was compiled into this program, so that no test passes
/// on yesterday's code.
pub fn find(name: &str) -> Result<PathBuf, LabError> {
    find_in(&directory()?, name, BUILD_ID)
}

/// The built example of this name, from the directory `examples` beside the binaries, under the same condition as
/// [`find`].
pub fn find_example(name: &str) -> Result<PathBuf, LabError> {
    find_in(&directory()?.join("examples"), name, BUILD_ID)
}

/// [`find`], in this directory and of this build.
pub fn find_in(directory: &Path, name: &str, expected: &str) -> Result<PathBuf, LabError> {
    let path = directory.join(name);
    if !path.is_file() {
        return Err(LabError::NoBinary { name: name.to_owned(), directory: directory.to_owned() });
    }
    let mut command = Command::new(&path);
    command.arg("--version");
    let printed = tool::run(command, "")?.trim().to_owned();
    match build_id(name, &printed) {
        Some(found) if found == expected => Ok(path),
        Some(found) => {
            let (name, found, expected) = (name.to_owned(), found.to_owned(), expected.to_owned());
            Err(LabError::OtherBuild { name, found, expected })
        }
        None => Err(LabError::NoBuildId { name: name.to_owned(), printed }),
    }
}

/// The id in `name 0.1.0 (build <id>)`.
fn build_id<'a>(name: &str, printed: &'a str) -> Option<&'a str> {
    let (_version, build) = printed.strip_prefix(name)?.strip_prefix(' ')?.split_once(" (build ")?;
    build.strip_suffix(')')
}

fn directory() -> Result<PathBuf, LabError> {
    if let Some(directory) = env::var_os("BULKHEAD_BIN_DIR") {
        return Ok(directory.into());
    }
    let itself = env::current_exe();
    let itself = itself.map_err(|source| LabError::File { action: "find", path: "/proc/self/exe".into(), source })?;
    let beside = itself.parent().unwrap_or(Path::new("/"));
    // Cargo puts test executables into `deps`, one below the binaries.
    Ok(if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside }.to_owned())
}

/// `make test` sets it for all crates alike. Without it no binary fits, which is right: nothing would be proved.
const BUILD_ID: &str = match option_env!("BULKHEAD_BUILD_ID") {
    Some(id) => id,
    None => "unknown: built without `make test`",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_is_read_from_the_version() {
        for (printed, id) in [
            ("bulkhead-proxy 0.1.0 (build 3fa9)", Some("3fa9")),
            ("bulkhead-proxy 0.1.0", None),
            ("bulkhead-agent 0.1.0 (build 3fa9)", None),
            ("bulkhead-proxy 0.1.0 (build 3fa9", None),
            ("", None),
        ] {
            assert_eq!(build_id("bulkhead-proxy", printed), id, "{printed:?}");
        }
    }
}
