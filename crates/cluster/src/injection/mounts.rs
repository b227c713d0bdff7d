//! What a container mounts, and whether somebody else's identity lies in it.
//!
//! Only the pod's own words are judged: what a driver or a claimed volume brings along is not seen here.

use serde_json::Value;

use super::host_path;
use super::pod::{Container, PodView};
use super::reason::Refusal;
use super::settings::Settings;
use crate::names::{STATE_VOLUME, TOKEN_VOLUME, TRUST_VOLUME};

/// A volume of the pod, as a container mounts it.
struct Mounted<'a> {
    container: &'a str,
    volume: &'a str,
    /// What the pod says of the volume.
    source: &'a Value,
}

/// Passes where this container of somebody else mounts nothing by which it could be taken for another.
pub(super) fn check(pod: &PodView<'_>, container: &Container<'_>, settings: &Settings) -> Result<(), Refusal> {
    for volume in container.listed("volumeMounts").filter_map(|mount| mount.get("name")?.as_str()) {
        is_not_the_sidecars(container, volume)?;
        let is_this = |source: &&Value| source.get("name").and_then(Value::as_str) == Some(volume);
        for source in volumes(pod).filter(is_this) {
            let mounted = Mounted { container: container.name(), volume, source };
            mounted.has_no_token_for(&settings.audience)?;
            mounted.leaves_the_node_its_own(&settings.agent_directory)?;
        }
    }
    Ok(())
}

fn is_not_the_sidecars(container: &Container<'_>, volume: &str) -> Result<(), Refusal> {
    if [TOKEN_VOLUME, TRUST_VOLUME, STATE_VOLUME].contains(&volume) {
        return Err(Refusal::SidecarsVolume { container: container.name().to_owned(), volume: volume.to_owned() });
    }
    Ok(())
}

impl Mounted<'_> {
    /// Such a token is all that the CA asks of a pod, and whoever shows it has the pod's certificate.
    fn has_no_token_for(&self, audience: &str) -> Result<(), Refusal> {
        let sources = self.source.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten();
        let mut audiences = sources.filter_map(|source| source.pointer("/serviceAccountToken/audience")?.as_str());
        if audiences.any(|one| one == audience) {
            let (container, volume) = (self.container.to_owned(), self.volume.to_owned());
            return Err(Refusal::TokenForTheCa { container, volume, audience: audience.to_owned() });
        }
        Ok(())
    }

    /// As root, which a container is unless told otherwise, it needs no privilege there to be the node, or any pod on it.
    fn leaves_the_node_its_own(&self, agent_directory: &str) -> Result<(), Refusal> {
        let Some(path) = self.source.pointer("/hostPath/path").and_then(Value::as_str) else { return Ok(()) };
        match host_path::reached(path, agent_directory) {
            Some(reached) => Err(Refusal::NodesOwn {
                container: self.container.to_owned(),
                volume: self.volume.to_owned(),
                path: path.to_owned(),
                reached: reached.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

fn volumes<'a>(pod: &PodView<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    pod.root.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests;
