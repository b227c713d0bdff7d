//! What people call a pod: its namespace and its name.

use std::fmt;
use std::str::FromStr;

/// A pod, written `shop/web-7d9f`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodName {
    namespace: Box<str>,
    name: Box<str>,
}

impl PodName {
    /// The pod of this name; both words are RFC 1123 subdomains.
    pub fn new(namespace: &str, name: &str) -> Result<Self, ParsePodNameError> {
        if is_subdomain(namespace) && is_subdomain(name) {
            return Ok(Self { namespace: namespace.into(), name: name.into() });
        }
        let text = [namespace, name].join("/").chars().take(LONGEST).collect();
        Err(ParsePodNameError { text })
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name in its namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for PodName {
    type Err = ParsePodNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = text.split_once('/').unwrap_or((text, ""));
        Self::new(namespace, name)
    }
}

/// A text names no pod.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a pod's `namespace/name`")]
pub struct ParsePodNameError {
    text: String,
}

fn is_subdomain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(allowed)
}

const LONGEST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_named_by_two_words() {
        let name: PodName = "shop/web-7d9f".parse().unwrap();
        assert_eq!((name.namespace(), name.name(), name.to_string().as_str()), ("shop", "web-7d9f", "shop/web-7d9f"));
        for text in ["", "web", "shop/", "/web", "a/b/c", "shop/Web", "shop/we b", &format!("shop/{}", "w".repeat(254))]
        {
            assert!(text.parse::<PodName>().is_err(), "{text:?}");
        }
    }
}
