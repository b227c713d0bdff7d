//! A pod on its way to what it should be, and the patch that brings it there.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use super::reason::Refusal;

/// The pod as it is after the operations so far.
pub(super) struct Draft {
    pod: Value,
    patch: Vec<PatchOperation>,
}

impl Draft {
    pub(super) fn of(pod: &Value) -> Self {
        Self { pod: pod.clone(), patch: Vec::new() }
    }

    pub(super) fn into_patch(self) -> Patch {
        Patch(self.patch)
    }

    /// Makes this value stand here, by no operation where it does already. What holds it must be there.
    pub(super) fn set(&mut self, pointer: &str, value: Value) {
        match self.pod.pointer(pointer) {
            Some(now) if *now == value => {}
            Some(_) => self.apply(PatchOperation::Replace(ReplaceOperation { path: parsed(pointer), value })),
            None => self.apply(PatchOperation::Add(AddOperation { path: parsed(pointer), value })),
        }
    }

    /// Inserts into a list before this place.
    pub(super) fn insert(&mut self, list: &str, index: usize, value: Value) {
        let path = parsed(&format!("{list}/{index}"));
        self.apply(PatchOperation::Add(AddOperation { path, value }));
    }

    /// Takes away what stands here, if anything does.
    pub(super) fn remove(&mut self, pointer: &str) {
        if self.pod.pointer(pointer).is_some() {
            self.apply(PatchOperation::Remove(RemoveOperation { path: parsed(pointer) }));
        }
    }

    /// Sees to it that a list or an object stands here, for what is to be put into it.
    pub(super) fn ensure(&mut self, pointer: &str, empty: Value) {
        if self.pod.pointer(pointer).is_none_or(Value::is_null) {
            self.set(pointer, empty);
        }
    }

    /// The entries of a list.
    pub(super) fn entries(&self, list: &str) -> Result<&Vec<Value>, Refusal> {
        let found = self.pod.pointer(list).and_then(Value::as_array);
        found.ok_or_else(|| Refusal::Malformed { place: list.to_owned(), expected: "a list" })
    }

    fn apply(&mut self, operation: PatchOperation) {
        json_patch::patch(&mut self.pod, std::slice::from_ref(&operation))
            .expect("every caller has looked whether the place is there");
        self.patch.push(operation);
    }
}

/// A name as a token of a JSON pointer (RFC 6901, section 3).
pub(super) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn parsed(pointer: &str) -> PointerBuf {
    PointerBuf::parse(pointer).expect("pointers are written in this module's siblings, names by `token`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_already_takes_no_operation() {
        let mut draft = Draft::of(&json!({"spec": {"volumes": [{"name": "a"}]}}));
        draft.set("/spec/volumes/0", json!({"name": "a"}));
        draft.remove("/spec/nothing");
        draft.ensure("/spec", json!({}));
        assert!(draft.into_patch().0.is_empty());
    }

    #[test]
    fn the_operations_bring_the_pod_to_where_the_draft_is() {
        let pod = json!({"spec": {"volumes": [{"name": "a", "unknown": 1}], "gone": 1}});
        let mut draft = Draft::of(&pod);
        draft.insert("/spec/volumes", 0, json!({"name": "b"}));
        draft.set("/spec/volumes/1/unknown", json!(2));
        draft.remove("/spec/gone");
        draft.ensure("/metadata", json!({}));
        draft.set(&format!("/metadata/{}", token("a/b~c")), json!("x"));
        let (wanted, patch) = (draft.pod.clone(), draft.into_patch());
        let expected = json!([
            {"op": "add", "path": "/spec/volumes/0", "value": {"name": "b"}},
            {"op": "replace", "path": "/spec/volumes/1/unknown", "value": 2},
            {"op": "remove", "path": "/spec/gone"},
            {"op": "add", "path": "/metadata", "value": {}},
            {"op": "add", "path": "/metadata/a~1b~0c", "value": "x"},
        ]);
        assert_eq!(serde_json::to_value(&patch).unwrap(), expected);
        let mut patched = pod;
        json_patch::patch(&mut patched, &patch).unwrap();
        assert_eq!(patched, wanted);
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        assert!(Draft::of(&json!({"spec": {"volumes": 7}})).entries("/spec/volumes").is_err());
    }
}
