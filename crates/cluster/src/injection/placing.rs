//! Puts the two containers before all others, so that nothing of the pod runs uncaptured and everything ends before the
//! sidecar does (a native sidecar is stopped last).

use serde_json::{Value, json};

use super::agreement;
use super::draft::Draft;
use super::pod::List;
use super::reason::Refusal;

/// The containers, in this order, at the beginning of the init containers.
pub(super) fn place(draft: &mut Draft, containers: [Value; 2]) -> Result<(), Refusal> {
    let list = List::Init.pointer();
    draft.ensure(list, json!([]));
    for (index, container) in containers.into_iter().enumerate() {
        let entries = draft.entries(list)?;
        let found = entries.iter().position(|entry| entry.get("name") == container.get("name"));
        if found == Some(index) && agreement::container(&entries[index], &container) {
            continue;
        }
        if let Some(elsewhere) = found {
            draft.remove(&format!("{list}/{elsewhere}"));
        }
        draft.insert(list, index, container);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(before: &Value) -> Vec<String> {
        let mut draft = Draft::of(&json!({"spec": {"initContainers": before}}));
        let ours = ["bulkhead-capture", "bulkhead-proxy"].map(|name| json!({"name": name, "image": "new"}));
        place(&mut draft, ours).unwrap();
        let placed = draft.entries(List::Init.pointer()).unwrap();
        assert!(placed[..2].iter().all(|container| container["image"] == "new"));
        placed.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn they_stand_first_whatever_was_there() {
        let container = |name: &str| json!({"name": name, "image": "old"});
        let ours = ["bulkhead-capture", "bulkhead-proxy"];
        for before in [
            json!(null),
            json!([]),
            json!([container("migrate")]),
            json!([container("bulkhead-proxy"), container("migrate")]),
            json!([container("migrate"), container("bulkhead-capture"), container("bulkhead-proxy")]),
            json!([container("bulkhead-capture"), container("bulkhead-proxy"), container("migrate")]),
        ] {
            let placed = names(&before);
            let (first, rest) = placed.split_at(2);
            assert_eq!(first, ours, "{before}");
            let others = before.as_array().map_or(0, |list| list.iter().filter(|one| one["name"] == "migrate").count());
            assert_eq!(rest, vec!["migrate"; others], "{before}");
        }
    }
}
