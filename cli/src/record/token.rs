//! A join token, which is a secret.

use std::fmt;
use std::path::PathBuf;

use bulkhead_mesh::NodeName;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::Moment;

/// A join token.
#[derive(Clone, Serialize)]
pub struct Token {
    /// The node that it admits.
    pub node: NodeName,
    /// The whole token, as `bulkhead-agent join` reads it.
    #[serde(serialize_with = "secret")]
    pub token: Zeroizing<String>,
    /// From when on it admits nobody.
    pub expires: Moment,
}

/// Where a join token lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenInFile {
    /// The node that it admits.
    pub node: NodeName,
    /// The file, mode 0600.
    pub file: PathBuf,
    /// From when on it admits nobody.
    pub expires: Moment,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("node", &self.node).field("expires", &self.expires).finish_non_exhaustive()
    }
}

fn secret<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
