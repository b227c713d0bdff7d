//! Kubernetes' objects as they are read from the watches: of each only the fields that count, so that the rest never
//! becomes memory, and what each reduces to.

mod config_map;
mod meta;
mod namespace;
mod pod;
mod service;
mod slice;

use std::fmt::Debug;

use kube::Resource;
use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;

use super::cluster::Change;

pub use config_map::{ConfigMap, KEY, MANAGER, digest_of};
pub(crate) use meta::MANAGED_BY;
pub use namespace::Namespace;
pub use pod::Pod;
pub use service::Service;
pub use slice::EndpointSlice;

/// An object that is watched.
pub trait Seen: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static {
    /// By what it is known.
    type Key;
    /// What is kept of it.
    type Kept;

    /// By what it is known; none where it is malformed.
    fn key(&self) -> Option<Self::Key>;

    /// What is kept of it; none where it does not count.
    fn reduce(self) -> Option<Self::Kept>;
}

/// What a watch's event means; nothing where its object is malformed.
pub fn change<O: Seen>(event: Event<O>) -> Option<Change<O::Key, O::Kept>> {
    match event {
        Event::Init => Some(Change::Begins),
        Event::InitDone => Some(Change::Complete),
        Event::Delete(object) => object.key().map(Change::Gone),
        Event::Apply(object) | Event::InitApply(object) => {
            let key = object.key()?;
            Some(match object.reduce() {
                Some(kept) => Change::Seen(key, kept),
                None => Change::Gone(key),
            })
        }
    }
}

/// Says of a type which resource it is.
macro_rules! resource {
    ($type:ty, $group:literal, $kind:literal, $plural:literal, $scope:ty) => {
        impl kube::Resource for $type {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> std::borrow::Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &kube::core::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut kube::core::ObjectMeta {
                &mut self.metadata
            }
        }
    };
}
use resource;

#[cfg(test)]
mod tests;
