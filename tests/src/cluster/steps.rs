//! The steps of the story, in order.

mod installed;
mod labelled;
mod mutual;
mod outages;
mod probed;
mod relabelled;
mod removed;
mod reused;
mod revoked;
mod rolled;
mod shop;
mod strangers;

use anyhow::Result;

use super::scene::Scene;
use crate::teller::Teller;

/// One step: it fails when what it tells was not seen.
pub(super) struct Step {
    /// What it shows.
    pub(super) title: &'static str,
    /// Whether the demo tells it, too.
    pub(super) in_demo: bool,
    run: fn(&Teller, &mut Scene) -> Result<()>,
}

impl Step {
    /// Tells it.
    pub(super) fn tell(&self, teller: &Teller, scene: &mut Scene) -> Result<()> {
        (self.run)(teller, scene)
    }
}

/// Every step.
pub(super) const ALL: [Step; 14] = [
    Step { title: "a shop runs, and everybody on the wire can read along", in_demo: true, run: shop::step },
    Step { title: "Bulkhead is installed", in_demo: true, run: installed::step },
    Step { title: "the namespace is labelled, and its pods are in the mesh", in_demo: true, run: labelled::step },
    Step {
        title: "what pods say to each other is mutual TLS, through Services, too",
        in_demo: true,
        run: mutual::step,
    },
    Step { title: "probes and Jobs work as before", in_demo: true, run: probed::step },
    Step { title: "a pod without a sidecar gets nowhere, not even as root", in_demo: true, run: strangers::step },
    Step {
        title: "an account becomes more sensitive, and its pods are that at once",
        in_demo: false,
        run: relabelled::step,
    },
    Step { title: "a rolling update loses no request", in_demo: false, run: rolled::step },
    Step { title: "an address changes its owner, and nobody is taken for another", in_demo: false, run: reused::step },
    Step { title: "the CA is killed, and nobody notices", in_demo: false, run: outages::of_the_ca },
    Step { title: "the API server is killed, and nobody notices", in_demo: false, run: outages::of_the_api_server },
    Step {
        title: "without the injector only pods that ask for it wait",
        in_demo: false,
        run: outages::of_the_injector,
    },
    Step {
        title: "a node is revoked: its pods are cut off, their replacements work",
        in_demo: true,
        run: revoked::step,
    },
    Step { title: "uninstalled, nothing is left but what was to be kept", in_demo: false, run: removed::step },
];
