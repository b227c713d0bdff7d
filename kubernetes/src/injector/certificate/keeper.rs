//! Looks at the Secret and the webhook configuration again and again, and does what [`rotation`](super::rotation) says.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::clock::since_boot;
use bulkhead_daemon::{SharedClock, Stop, chain};
use bulkhead_identity::pem;
use kube::Client;
use rustls::crypto::CryptoProvider;
use tokio::time::timeout;
use tracing::{info, warn};

use super::authorities::Authorities;
use super::cluster::{Cluster, ClusterError, ReadConfiguration, ReadSecret};
use super::generation::{self, Generation};
use super::make::make;
use super::rotation::{Now, Pace, Plan, Rotation, Standing};
use super::serving::Served;
use crate::injector::config::CertificateConfig;
use crate::injector::metrics::{CertificateStep, Metrics};

/// What the keeper works with.
pub(crate) struct KeeperTools {
    pub(crate) client: Client,
    pub(crate) clock: SharedClock,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) metrics: Metrics,
}

/// Keeps the certificate fresh.
pub(crate) struct Keeper {
    config: CertificateConfig,
    tools: KeeperTools,
    cluster: Cluster,
    served: Arc<Served>,
    rotation: Rotation,
    /// What is shown, since the Secret may have lost it.
    shown: Option<Generation>,
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
enum LookError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot write down the certificates")]
    Print(#[from] serde_json::Error),
    #[error("the API server has not answered within {LONGEST_LOOK:?}")]
    Slow,
}

/// What a look has done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Something was written, so that there is more to see at once.
    Wrote,
    /// All is as it should be.
    Nothing,
}

impl Keeper {
    pub(crate) fn new(config: CertificateConfig, tools: KeeperTools, served: Arc<Served>) -> Self {
        let cluster = Cluster::new(&tools.client, &config);
        Self { config, tools, cluster, served, rotation: Rotation::default(), shown: None }
    }

    /// Works until stopped. A look that fails is followed by another after the ordinary pause.
    pub(crate) async fn run(mut self, stop: Stop) {
        loop {
            let looked = tokio::select! {
                () = stop.stopped() => return,
                looked = timeout(LONGEST_LOOK, self.look()) => looked.unwrap_or(Err(LookError::Slow)),
            };
            let pause = match looked {
                Ok(Done::Wrote) => SOON.min(self.config.check),
                Ok(Done::Nothing) => self.config.check,
                Err(LookError::Cluster(error)) if error.is_conflict() => SOON.min(self.config.check),
                Err(error) => {
                    self.tools.metrics.certificate(CertificateStep::Failed);
                    warn!(error = chain(&error), "the injector's certificate could not be looked after");
                    self.config.check
                }
            };
            tokio::select! {
                () = stop.stopped() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<Done, LookError> {
        let configuration = self.cluster.read_configuration().await?;
        let secret = self.cluster.read_secret().await?;
        let kept = self.generations(&secret);
        let now = Now { wall: self.tools.clock.now(), since_boot: since_boot() };
        let terms: Vec<_> = kept.iter().map(|generation| generation.term).collect();
        let pace = Pace { renewal: self.config.renewal, settle: self.config.settle };
        let plan = self.rotation.step(now, &terms, &standing(&configuration), pace);
        self.show(&kept, &plan);
        if plan.make {
            let new = make(&self.config.names, now.wall, self.config.lifetime)?;
            self.cluster.write_secret(secret, generation::print(&kept, new, now.wall)?).await?;
            self.tools.metrics.certificate(CertificateStep::Made);
            info!(names = %self.config.names, "made a new certificate for the injector");
            return Ok(Done::Wrote);
        }
        match bundle(&configuration, &kept, &plan) {
            None => Ok(Done::Nothing),
            Some((authorities, bundle)) => {
                self.cluster.publish(&configuration, &bundle).await?;
                self.tools.metrics.certificate(CertificateStep::Published);
                info!(authorities, "wrote the injector's CAs into the webhook configuration");
                Ok(Done::Wrote)
            }
        }
    }

    /// What cannot be read is as good as lost, and replaced.
    fn generations(&self, secret: &ReadSecret) -> Vec<Generation> {
        let Some(text) = secret.text() else { return Vec::new() };
        generation::read(text, &self.config.names, &self.tools.provider).unwrap_or_else(|error| {
            warn!(error = chain(&error), secret = self.config.secret, "the Secret cannot be read, and is written anew");
            Vec::new()
        })
    }

    fn show(&mut self, kept: &[Generation], plan: &Plan) {
        let Some(serve) = plan.serve else { return };
        if let Some(generation) = kept.iter().find(|generation| generation.term.authority == serve) {
            if self.shown.as_ref().is_none_or(|shown| shown.term != generation.term) {
                let not_after = generation.term.not_after;
                self.tools.metrics.certificate(CertificateStep::Served);
                self.tools.metrics.certificate_ends(not_after);
                info!(%not_after, "the injector shows a certificate that it has not shown before");
            }
            self.shown = Some(generation.clone());
        }
        if let Some(shown) = &self.shown {
            self.served.show(shown, plan.trusted);
        }
    }
}

fn standing(configuration: &ReadConfiguration) -> Standing {
    let ends = |held: &Authorities| held.iter().map(|(id, authority)| (*id, authority.not_after)).collect();
    Standing { webhooks: configuration.webhooks.iter().map(|(_, held)| ends(held)).collect() }
}

/// How many CAs go into the bundle, and its text; none where they stand there already.
fn bundle(configuration: &ReadConfiguration, kept: &[Generation], plan: &Plan) -> Option<(usize, String)> {
    let mut known: Authorities = configuration.webhooks.iter().flat_map(|(_, held)| held.clone()).collect();
    known.extend(kept.iter().map(|generation| (generation.term.authority, generation.authority.clone())));
    let wanted = plan.publish.as_ref()?.iter().filter_map(|id| known.get(id));
    let certificates: Vec<_> = wanted.map(|authority| authority.certificate.clone()).collect();
    Some((certificates.len(), pem::certificates(&certificates)))
}

/// For everything that is asked of the API server in one look.
const LONGEST_LOOK: Duration = Duration::from_secs(15);
/// Somebody has just written. Not at once: whoever writes against us would be written against without a pause.
const SOON: Duration = Duration::from_millis(200);
