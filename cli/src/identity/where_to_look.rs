//! Where the operator's key and the roots are looked for when nobody says it.

use std::env;
use std::path::{Path, PathBuf};

/// The directories of the environment that matter.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `$XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let directory = |name| env::var_os(name).map(PathBuf::from);
        Self { config_home: directory("XDG_CONFIG_HOME"), home: directory("HOME") }
    }

    /// The files in which the operator's key and certificate may be, the first one that exists counts.
    pub fn identities(&self) -> Vec<PathBuf> {
        let config = self.home.as_ref().map(|home| home.join(".config"));
        [self.config_home.clone(), config]
            .into_iter()
            .flatten()
            // XDG Base Directory specification: a relative path is to be ignored.
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join("bulkhead").join(IDENTITY))
            .chain([Path::new(SYSTEM).join(IDENTITY)])
            .fold(Vec::new(), with)
    }
}

/// The files in which the roots may be, when the operator's key is in this one.
pub fn roots(identity: &Path) -> Vec<PathBuf> {
    [identity.with_file_name(ROOTS), Path::new(SYSTEM).join(ROOTS)].into_iter().fold(Vec::new(), with)
}

fn with(mut paths: Vec<PathBuf>, path: PathBuf) -> Vec<PathBuf> {
    if !paths.contains(&path) {
        paths.push(path);
    }
    paths
}

const IDENTITY: &str = "operator.pem";
const ROOTS: &str = "root.pem";
const SYSTEM: &str = "/etc/bulkhead";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_own_key_counts_before_the_machines() {
        //     XDG_CONFIG_HOME    HOME              where
        check(Some("/xdg"), Some("/home/ada"), &["/xdg/bulkhead", "/home/ada/.config/bulkhead", SYSTEM]);
        check(None, Some("/home/ada"), &["/home/ada/.config/bulkhead", SYSTEM]);
        check(Some("relative"), None, &[SYSTEM]);
        check(Some(""), Some(""), &[SYSTEM]);
        check(Some("/home/ada/.config"), Some("/home/ada"), &["/home/ada/.config/bulkhead", SYSTEM]);
    }

    fn check(config_home: Option<&str>, home: Option<&str>, directories: &[&str]) {
        let environment = Environment { config_home: config_home.map(Into::into), home: home.map(Into::into) };
        let expected: Vec<_> = directories.iter().map(|directory| Path::new(directory).join(IDENTITY)).collect();
        assert_eq!(environment.identities(), expected);
    }

    #[test]
    fn roots_are_looked_for_beside_the_key() {
        assert_eq!(roots(Path::new("/a/ada.pem")), [Path::new("/a/root.pem"), Path::new("/etc/bulkhead/root.pem")]);
        assert_eq!(roots(Path::new("/etc/bulkhead/operator.pem")), [Path::new("/etc/bulkhead/root.pem")]);
    }
}
