//! A pod in raw JSON, read where injection has to look.
//!
//! Only that its parts have the right shapes is checked here, so that whoever reads on need not ask again; the API server
//! checks the rest.

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::reason::Refusal;

/// A pod whose parts have the shapes that are read here.
pub(super) struct PodView<'a> {
    pub(super) root: &'a Value,
}

/// A container of a pod, of whichever list.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    /// The list in which it stands.
    pub(super) list: List,
    /// Its place there.
    pub(super) index: usize,
    /// What it says.
    pub(super) fields: &'a Value,
}

/// A list of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// `initContainers`, native sidecars among them.
    Init,
    /// `containers`.
    Main,
    /// `ephemeralContainers`, which are added to a running pod.
    Ephemeral,
}

impl List {
    /// Its JSON pointer.
    pub(super) const fn pointer(self) -> &'static str {
        match self {
            Self::Init => "/spec/initContainers",
            Self::Main => "/spec/containers",
            Self::Ephemeral => "/spec/ephemeralContainers",
        }
    }
}

impl<'a> PodView<'a> {
    pub(super) fn new(root: &'a Value) -> Result<Self, Refusal> {
        for (pointer, shape, needed) in SHAPES {
            let found = root.pointer(pointer).filter(|value| !value.is_null());
            if !found.map_or(!needed, |value| shape.fits(value)) {
                return Err(Refusal::Malformed { place: pointer.to_owned(), expected: shape.words() });
            }
        }
        let view = Self { root };
        for container in view.containers() {
            if container.text("/name").is_none() {
                let place = format!("{}/{}/name", container.list.pointer(), container.index);
                return Err(Refusal::Malformed { place, expected: "a container's name" });
            }
        }
        Ok(view)
    }

    /// Init containers, then the others.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        self.listed(List::Init).chain(self.listed(List::Main))
    }

    /// Those of one list.
    pub(super) fn listed(&self, list: List) -> impl Iterator<Item = Container<'a>> + use<'a> {
        let listed = self.root.pointer(list.pointer()).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        listed.iter().enumerate().map(move |(index, fields)| Container { list, index, fields })
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.root.pointer(pointer)?.as_str()
    }

    pub(super) fn flag(&self, pointer: &str) -> bool {
        self.root.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Labels or annotations: `/metadata/labels`, `/metadata/annotations`.
    pub(super) fn texts(&self, pointer: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let map: Option<&Map<_, _>> = self.root.pointer(pointer).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// The label of this name.
    pub(super) fn label(&self, name: &str) -> Option<&'a str> {
        self.texts("/metadata/labels").find(|(label, _)| *label == name).map(|(_, value)| value)
    }
}

impl<'a> Container<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.text("/name").unwrap_or_default() // `PodView::new` has seen it.
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.fields.pointer(pointer)?.as_str()
    }

    /// What stands in one of its lists, e.g. `ports`.
    pub(super) fn listed(&self, list: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.fields.get(list).and_then(Value::as_array).into_iter().flatten()
    }

    /// Where it stands in the pod.
    pub(super) fn pointer(&self) -> String {
        format!("{}/{}", self.list.pointer(), self.index)
    }

    /// The number of a port that a probe gives as a number or by a name of this container's `ports`.
    pub(super) fn port(&self, given: &Value) -> Option<NonZeroU16> {
        let Some(name) = given.as_str() else { return number(given) };
        let ports = self.fields.pointer("/ports").and_then(Value::as_array)?;
        let named = ports.iter().find(|port| port.pointer("/name").and_then(Value::as_str) == Some(name))?;
        number(named.pointer("/containerPort")?)
    }
}

fn number(value: &Value) -> Option<NonZeroU16> {
    u16::try_from(value.as_u64()?).ok().and_then(NonZeroU16::new)
}

#[derive(Clone, Copy)]
enum Shape {
    Object,
    Texts,
    Objects,
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Texts => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
            Self::Objects => value.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Texts => "an object of texts",
            Self::Objects => "a list of objects",
        }
    }
}

/// What stands where, and whether it must.
const SHAPES: [(&str, Shape, bool); 8] = [
    ("", Shape::Object, true),
    ("/metadata", Shape::Object, false),
    ("/metadata/labels", Shape::Texts, false),
    ("/metadata/annotations", Shape::Texts, false),
    ("/spec", Shape::Object, true),
    ("/spec/initContainers", Shape::Objects, false),
    ("/spec/containers", Shape::Objects, true),
    ("/spec/ephemeralContainers", Shape::Objects, false),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_pod_is_named_with_its_place() {
        for (pod, place) in [
            (json!([]), ""),
            (json!({"metadata": []}), "/metadata"),
            (json!({"metadata": {"annotations": {"a": 1}}}), "/metadata/annotations"),
            (json!({"metadata": {}}), "/spec"),
            (json!({"spec": null}), "/spec"),
            (json!({"spec": {}}), "/spec/containers"),
            (json!({"spec": {"containers": {}}}), "/spec/containers"),
            (json!({"spec": {"containers": [1]}}), "/spec/containers"),
            (json!({"spec": {"containers": [], "initContainers": [{"name": 7}]}}), "/spec/initContainers/0/name"),
        ] {
            let Err(Refusal::Malformed { place: found, .. }) = PodView::new(&pod) else { panic!("{pod}") };
            assert_eq!(found, place, "{pod}");
        }
    }

    #[test]
    fn a_port_is_a_number_or_a_name_of_the_container() {
        let fields = json!({"name": "app", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]});
        let container = Container { list: List::Main, index: 0, fields: &fields };
        for (given, expected) in [
            (json!(80), Some(80)),
            (json!("http"), Some(8080)),
            (json!("grpc"), None),
            (json!("80"), None),
            (json!(0), None),
            (json!(65_536), None),
            (json!(null), None),
        ] {
            assert_eq!(container.port(&given).map(NonZeroU16::get), expected, "{given}");
        }
    }
}
