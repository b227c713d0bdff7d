//! A service account token as the kubelet has written it: a secret, and nothing that is looked into here.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

/// The file in which the kubelet keeps a pod's token. It is replaced before the token in it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile(PathBuf);

/// A token in the form of a JWT (RFC 7519), wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PodToken(Zeroizing<String>);

impl TokenFile {
    /// The token in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the token that is there now.
    pub fn read(&self) -> Result<PodToken, PodTokenError> {
        let failed = |source| PodTokenError::Read { path: self.0.clone(), source };
        // With its capacity right from the start the text never moves and leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(PodToken::MAX_BYTES + 2));
        let most = PodToken::MAX_BYTES as u64 + 2;
        File::open(&self.0).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(failed)?;
        text.parse().map_err(|reason| PodTokenError::NotToken { path: self.0.clone(), reason })
    }
}

impl PodToken {
    /// The longest token that is sent, and that the CA takes.
    pub const MAX_BYTES: usize = 16 << 10;

    /// The text, which is a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PodToken {
    type Err = ParsePodTokenError;

    /// A line end behind the token does not belong to it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_ascii();
        if text.len() > Self::MAX_BYTES {
            return Err(ParsePodTokenError::TooLong { limit: Self::MAX_BYTES });
        }
        let parts = text.split('.').filter(|part| !part.is_empty() && part.bytes().all(is_base64url));
        match (parts.count(), text.split('.').count()) {
            (3, 3) => Ok(Self(Zeroizing::new(text.to_owned()))),
            _ => Err(ParsePodTokenError::Form),
        }
    }
}

impl fmt::Debug for PodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PodToken(..)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum PodTokenError {
    #[error("cannot read the pod's token {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} holds no token", path = .path.display())]
    NotToken {
        path: PathBuf,
        #[source]
        reason: ParsePodTokenError,
    },
}

impl PodTokenError {
    /// What the reader can do about it.
    pub const fn hint(&self) -> &'static str {
        "`--pod-token` must name the file of a projected service account token that this user may read"
    }
}

/// Why a text is no token. The text is not shown: it may be a secret all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParsePodTokenError {
    #[error("a token has at most {limit} bytes")]
    TooLong { limit: usize },
    #[error("a token is three parts of base64url with points between (RFC 7515, section 7.1)")]
    Form,
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_parts_with_points_between_are_a_token_and_nothing_else_is() {
        let long = format!("{}.b.c", "a".repeat(PodToken::MAX_BYTES - 4));
        //     text                     taken
        for (text, taken) in [
            ("eyJh.eyJp.c2ln-_", true),
            ("eyJh.eyJp.c2ln\n", true),
            (&long, true),
            (&format!("a{long}"), false),
            ("", false),
            ("eyJh.eyJp", false),
            ("eyJh..c2ln", false),
            ("a.b.c.d", false),
            ("a.b.c.", false),
            ("a.b.c\nx", false),
            ("a.b.c=", false),
        ] {
            assert_eq!(text.parse::<PodToken>().is_ok(), taken, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_read_afresh_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("token"));
        let error = file.read().unwrap_err();
        assert!(error.to_string().contains("token") && error.hint().contains("--pod-token"), "{error}");
        for text in ["a.b.c", "d.e.f"] {
            fs::write(file.path(), text).unwrap();
            assert_eq!(file.read().unwrap().as_str(), text);
        }
        fs::write(file.path(), format!("{}.b.c", "a".repeat(PodToken::MAX_BYTES))).unwrap();
        assert!(matches!(file.read(), Err(PodTokenError::NotToken { .. })));
    }

    #[test]
    fn nothing_prints_a_token() {
        let token: PodToken = "secret.secret.secret".parse().unwrap();
        assert_eq!(format!("{token:?}"), "PodToken(..)");
        let error = "secret.secret".parse::<PodToken>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn what_is_taken_can_stand_in_one_line(text: String) {
            if let Ok(token) = text.parse::<PodToken>() {
                prop_assert!(token.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
