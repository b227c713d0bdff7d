//! A Secret or a ConfigMap into which something is put, if nothing is in it.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::HandOverError;
use super::order::Files;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It was not there.
    Made,
    /// It was there, and empty.
    Filled,
    /// The same is in it.
    Same,
    /// Nothing was to be handed over, and something is in it.
    There,
    /// Nothing was to be handed over, and it is empty or not there.
    Missing,
}

/// What can be handed over to.
pub(super) trait Kept: kube::Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned {
    /// What people call it.
    const KIND: &'static str;

    /// One of this name, empty.
    fn empty(name: &str) -> Self;
    /// Puts files into it.
    fn fill(&mut self, files: &Files) -> Result<(), HandOverError>;
    /// Whether nothing is in it.
    fn is_empty(&self) -> bool;
    /// Whether exactly this is in it.
    fn holds(&self, files: &Files) -> bool;
}

/// Puts the files into the object of this name, which it makes if need be; what is in it already stays.
pub(super) async fn put<K: Kept>(api: &Api<K>, name: &str, files: &Files) -> Result<Done, HandOverError> {
    let failed = |source| HandOverError::refused(K::KIND, name, source);
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let there = api.get_opt(name).await.map_err(failed)?;
    match there {
        Some(object) if object.holds(files) => Ok(Done::Same),
        Some(object) if !object.is_empty() => Err(HandOverError::Occupied { kind: K::KIND, name: name.to_owned() }),
        // With the version that was read: who fills it meanwhile, is not written over.
        Some(mut object) => {
            object.fill(files)?;
            api.replace(name, &parameters, &object).await.map_err(failed)?;
            Ok(Done::Filled)
        }
        None => {
            let mut object = K::empty(name);
            object.fill(files)?;
            api.create(&parameters, &object).await.map_err(failed)?;
            Ok(Done::Made)
        }
    }
}

/// Whether something is in the object of this name.
pub(super) async fn look<K: Kept>(api: &Api<K>, name: &str) -> Result<Done, HandOverError> {
    let there = api.get_opt(name).await.map_err(|source| HandOverError::refused(K::KIND, name, source))?;
    Ok(if there.is_some_and(|object| !object.is_empty()) { Done::There } else { Done::Missing })
}

impl Kept for Secret {
    const KIND: &'static str = "Secret";

    fn empty(name: &str) -> Self {
        Self { metadata: named(name), type_: Some("Opaque".to_owned()), ..Self::default() }
    }

    fn fill(&mut self, files: &Files) -> Result<(), HandOverError> {
        let data = files.iter().map(|(key, bytes)| (key.clone(), ByteString(bytes.to_vec())));
        self.data = Some(data.collect());
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.data.as_ref().is_none_or(BTreeMap::is_empty)
    }

    fn holds(&self, files: &Files) -> bool {
        let data = self.data.iter().flatten().map(|(key, bytes)| (key.as_str(), bytes.0.as_slice()));
        data.eq(files.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())))
    }
}

impl Kept for ConfigMap {
    const KIND: &'static str = "ConfigMap";

    fn empty(name: &str) -> Self {
        Self { metadata: named(name), ..Self::default() }
    }

    fn fill(&mut self, files: &Files) -> Result<(), HandOverError> {
        let text = |(key, bytes): (&String, &zeroize::Zeroizing<Vec<u8>>)| {
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| HandOverError::NoText { key: key.clone() })?;
            Ok((key.clone(), text))
        };
        self.data = Some(files.iter().map(text).collect::<Result<_, _>>()?);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.data.as_ref().is_none_or(BTreeMap::is_empty) && self.binary_data.as_ref().is_none_or(BTreeMap::is_empty)
    }

    fn holds(&self, files: &Files) -> bool {
        let data = self.data.iter().flatten().map(|(key, text)| (key.as_str(), text.as_bytes()));
        data.eq(files.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())))
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made => "made",
            Self::Filled => "filled",
            Self::Same => "was handed over before",
            Self::There => "nothing to hand over, and it is in its place",
            Self::Missing => "nothing to hand over, and nothing is in its place",
        })
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

const MANAGER: &str = "bulkhead-hand-over";

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn files(pairs: &[(&str, &[u8])]) -> Files {
        pairs.iter().map(|(key, bytes)| ((*key).to_owned(), Zeroizing::new(bytes.to_vec()))).collect()
    }

    fn what_is_put_in_is_in_it<K: Kept>() {
        let (one, two) = (files(&[("a", b"1"), ("b", b"2")]), files(&[("a", b"1")]));
        let mut object = K::empty("n");
        assert!(object.is_empty() && !object.holds(&one));
        object.fill(&one).unwrap();
        assert!(!object.is_empty() && object.holds(&one) && !object.holds(&two));
    }

    #[test]
    fn an_object_holds_exactly_what_was_put_into_it() {
        what_is_put_in_is_in_it::<Secret>();
        what_is_put_in_is_in_it::<ConfigMap>();
    }

    #[test]
    fn bytes_that_are_no_text_do_not_go_into_a_config_map() {
        let refusal = ConfigMap::empty("n").fill(&files(&[("a", b"\xff")])).unwrap_err();
        assert!(matches!(refusal, HandOverError::NoText { key } if key == "a"));
    }
}
