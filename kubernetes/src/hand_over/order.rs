//! What is to be handed over: a name, and files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::HandOverError;

/// A Secret or a ConfigMap, and the files that go into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    name: String,
    /// Each under its key.
    files: BTreeMap<String, PathBuf>,
}

/// The contents of files, each under its name.
pub(super) type Files = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// What was found of an order.
#[derive(Debug)]
pub(super) enum Found {
    /// Every file.
    Whole(Files),
    /// No file.
    Nothing,
}

impl Order {
    /// The name of the object.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads the files; some without the others are an error.
    pub(super) fn find(&self, from: &Path) -> Result<Found, HandOverError> {
        let (mut files, mut missing) = (Files::new(), None);
        for (key, path) in &self.files {
            let path = from.join(path);
            match read(&path) {
                Ok(bytes) if bytes.len() > MAX_BYTES => return Err(HandOverError::TooLong { path }),
                Ok(bytes) => drop(files.insert(key.clone(), bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing = Some(path),
                Err(source) => return Err(HandOverError::Read { path, source }),
            }
        }
        match missing {
            None => Ok(Found::Whole(files)),
            Some(_) if files.is_empty() => Ok(Found::Nothing),
            Some(path) => Err(HandOverError::Incomplete { name: self.name.clone(), path }),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(name, files)| is_name(name) && !files.is_empty());
        let (name, list) = parts.ok_or_else(|| format!("`{text}` is not NAME=[KEY:]FILE[,[KEY:]FILE..]"))?;
        let mut files = BTreeMap::new();
        for text in list.split(',') {
            let (key, path) = keyed(text).ok_or_else(|| format!("`{text}` has no file name that can be a key"))?;
            if files.insert(key.to_owned(), path.into()).is_some() {
                return Err(format!("two files of `{name}` are called `{key}`"));
            }
        }
        Ok(Self { name: name.to_owned(), files })
    }
}

/// The key, which is the file's name unless another one stands before it, and the path.
fn keyed(text: &str) -> Option<(&str, &str)> {
    let own_name = || Some((Path::new(text).file_name()?.to_str()?, text));
    text.split_once(':').or_else(own_name).filter(|(key, path)| is_key(key) && !path.is_empty())
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it at once, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// RFC 1123, as Kubernetes names objects.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    (1..=253).contains(&name.len()) && name.chars().all(allowed)
}

/// As Kubernetes restricts the keys of Secrets and ConfigMaps.
fn is_key(key: &str) -> bool {
    (1..=253).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// A key or a chain has a few thousand; Kubernetes takes a mebibyte in all.
const MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_order_is_a_name_and_its_files() {
        let order: Order = "bulkhead-root=root/root.key,opener:/etc/root-unseal".parse().unwrap();
        assert_eq!(order.name(), "bulkhead-root");
        assert_eq!(order.files["root.key"], Path::new("root/root.key"));
        assert_eq!(order.files["opener"], Path::new("/etc/root-unseal"));
    }

    #[test]
    fn what_is_no_order_is_refused_with_the_text() {
        for (text, says) in [
            ("", "``"),
            ("root", "`root`"),
            ("root=", "`root=`"),
            ("Root=a", "`Root=a`"),
            ("root=..", "`..`"),
            ("root=a b", "`a b`"),
            ("root=a,,b", "``"),
            ("root=x/a,y/a", "called `a`"),
            ("root=a:b,a", "called `a`"),
            ("root=:b", "`:b`"),
            ("root=a:", "`a:`"),
        ] {
            let refusal = text.parse::<Order>().unwrap_err();
            assert!(refusal.contains(says), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn files_are_found_all_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let order: Order = "n=a,b".parse().unwrap();
        assert!(matches!(order.find(directory.path()), Ok(Found::Nothing)));
        fs::write(directory.path().join("a"), "1").unwrap();
        let refusal = order.find(directory.path()).unwrap_err();
        assert!(matches!(&refusal, HandOverError::Incomplete { path, .. } if path.ends_with("b")), "{refusal}");
        fs::write(directory.path().join("b"), "2").unwrap();
        let Ok(Found::Whole(files)) = order.find(directory.path()) else { panic!("both are there") };
        assert_eq!((files["a"].as_slice(), files["b"].as_slice()), (&b"1"[..], &b"2"[..]));
    }

    #[test]
    fn a_file_that_is_no_key_is_not_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), vec![0; MAX_BYTES + 1]).unwrap();
        let order: Order = "n=a".parse().unwrap();
        assert!(matches!(order.find(directory.path()), Err(HandOverError::TooLong { .. })));
    }
}
