//! How a pod gets its sidecar. Pure: what is admitted, and how, depends on the arguments alone.
//!
//! [`inject`] looks at a pod as the API server sent it, as raw JSON, so that no field is lost that this version does not
//! know. It says which sentence the user reads where no sidecar comes, and else makes the smallest patch that brings the
//! pod to where it should be; a pod that is there already gets an empty one, however often it is asked.

mod agreement;
mod annotations;
mod capture;
mod change;
mod draft;
mod environment;
mod host_path;
mod mounts;
mod placing;
mod pod;
mod probes;
mod proxy;
mod quantity;
mod reason;
mod risks;
mod settings;
mod status;
mod volumes;
mod wanted;

use bulkhead_mesh::Timestamp;
use json_patch::Patch;
use serde_json::Value;

pub use annotations::{BadAnnotation, Wishes};
pub use change::check_change;
pub use quantity::{ParseQuantityError, Quantity};
pub use reason::{Refusal, Skip};
pub use settings::{Images, LogLevel, Namespace, ParseLogLevelError, PullPolicy, Resources, Settings};

use draft::Draft;
use pod::PodView;

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It gets a sidecar by this patch (RFC 6902), which is empty if it has all of it.
    Patched(Patch),
    /// It is let in as it is, outside the mesh.
    Skipped(Skip),
    /// It is not let in.
    Refused(Refusal),
}

/// What becomes of this pod, which is to run in this namespace, at this time.
pub fn inject(pod: &Value, namespace: &Namespace, settings: &Settings, now: Timestamp) -> Outcome {
    match patched(pod, namespace, settings, now) {
        Ok(patch) => Outcome::Patched(patch),
        Err(Other::Skip(skip)) => Outcome::Skipped(skip),
        Err(Other::Refuse(refusal)) => Outcome::Refused(refusal),
    }
}

/// Whether this pod, in this namespace, is to have a sidecar and can have one; whatever else may be wrong with it.
pub fn is_wanted(pod: &Value, namespace: &Namespace) -> bool {
    PodView::new(pod).is_ok_and(|view| wanted::check(&view, namespace).is_ok())
}

/// The order matters: whoever does not want a sidecar is not told what would be wrong with one.
fn patched(pod: &Value, namespace: &Namespace, settings: &Settings, now: Timestamp) -> Result<Patch, Other> {
    let view = PodView::new(pod)?;
    wanted::check(&view, namespace)?;
    let wishes = Wishes::read(&view, settings, now)?;
    risks::check(&view, namespace, &wishes, settings)?;
    let mut draft = Draft::of(pod);
    let probes = probes::redirect(&mut draft, &view)?;
    volumes::place(&mut draft, settings)?;
    placing::place(&mut draft, [capture::container(settings, &wishes), proxy::container(settings, &wishes, &probes)])?;
    status::write(&mut draft, settings, &wishes, &probes);
    Ok(draft.into_patch())
}

/// Why there is no patch.
enum Other {
    Skip(Skip),
    Refuse(Refusal),
}

impl From<Skip> for Other {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

impl From<Refusal> for Other {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<BadAnnotation> for Other {
    fn from(bad: BadAnnotation) -> Self {
        Self::Refuse(Refusal::Annotation(bad))
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
