//! The stream on which the CA is told the directory, through every break of it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon::chain;
use bulkhead_protocol::retry::Retry;
use bulkhead_protocol::v1;
use bulkhead_protocol::v1::directory_client::DirectoryClient;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::Streaming;
use tonic::transport::Channel;
use tracing::{info, warn};

use super::super::authority::{Authority, CaError, Identities, Identity};
use super::super::dice;
use super::super::metrics::Asked;
use super::super::retry::LONGEST_WAIT;
use super::super::shared::Shared;
use super::{Cut, Limits};

/// All that it takes.
#[derive(Debug)]
pub struct Link {
    /// What is told.
    pub shared: Arc<Shared>,
    /// To whom.
    pub authority: Authority,
    /// As whom.
    pub identities: Arc<Identities>,
    /// How much at a time.
    pub limits: Limits,
}

impl Link {
    /// Tells for ever. While the CA is away only the picture goes on, and the next stream begins with all of it.
    pub async fn keep_telling(&self) {
        let mut retry = Retry::up_to(LONGEST_WAIT);
        loop {
            let ended = self.session(&mut retry).await;
            self.shared.with(|cluster| cluster.directory.end());
            self.shared.metrics.connected(false);
            self.shared.metrics.unanswered(0);
            // A new certificate: at once another stream with it.
            let Err(problem) = ended else { continue };
            self.shared.metrics.asked(Asked::Write, Some(problem.is_refusal()));
            if problem.is_refusal() {
                self.identities.forget();
            }
            let wait = retry.failed(dice::throw());
            let text = chain(&problem);
            warn!(problem = text, wait_ms = wait.as_millis(), "the CA is not told the directory; trying again");
            self.shared.board.ca_failed(text);
            sleep(wait).await;
        }
    }

    /// One stream, until it breaks or there is a new certificate to open the next one with.
    async fn session(&self, retry: &mut Retry) -> Result<(), CaError> {
        let mut identities = self.identities.subscribe();
        let Some(identity) = next(&mut identities).await else { return Ok(()) };
        let mut changes = self.shared.changes();
        self.until_whole(&mut changes).await;
        let channel = self.authority.connect(Some(&identity.own)).await?;
        let mut stream = self.open(channel).await?;
        info!("the CA listens");
        self.shared.metrics.asked(Asked::Write, None);
        self.shared.metrics.connected(true);
        retry.succeeded();
        loop {
            self.tell(&mut stream);
            tokio::select! {
                answer = stream.answers.message() => self.answered(&mut stream, answer?)?,
                _ = changes.changed() => sleep(LINGER).await,
                () = sleep_until(stream.heard + PATIENCE), if self.unanswered() > 0 => return Err(CaError::Silent),
                _ = identities.changed() => return Ok(()),
            }
        }
    }

    async fn until_whole(&self, changes: &mut watch::Receiver<()>) {
        while !self.shared.with(|cluster| cluster.directory.is_whole()) {
            let _ = changes.changed().await; // Its sender lives as long as we do.
        }
    }

    /// The first writes are on their way before the CA is waited for: it may answer only then.
    async fn open(&self, channel: Channel) -> Result<Stream, CaError> {
        let (writes, outgoing) = mpsc::channel(usize::try_from(self.limits.unanswered).unwrap_or(1));
        self.shared.with(|cluster| cluster.directory.begin());
        self.send_all(&writes);
        let outgoing = stream::unfold(outgoing, async |mut outgoing: mpsc::Receiver<v1::DirectoryWrite>| {
            outgoing.recv().await.map(|write| (write, outgoing))
        });
        let mut client = DirectoryClient::new(channel);
        let opening = client.write(outgoing);
        let answers = timeout(PATIENCE, opening).await.map_err(|_| CaError::Silent)??.into_inner();
        Ok(Stream { writes, answers, heard: Instant::now() })
    }

    /// What there is to say, as far as the CA keeps up.
    fn tell(&self, stream: &mut Stream) {
        let was_idle = self.unanswered() == 0;
        if self.send_all(&stream.writes) && was_idle {
            stream.heard = Instant::now();
        }
        self.shared.metrics.unanswered(self.unanswered());
    }

    /// Whether anything was sent.
    fn send_all(&self, writes: &mpsc::Sender<v1::DirectoryWrite>) -> bool {
        let mut sent = false;
        while let Some(write) = self.shared.with(|cluster| cluster.directory.next_write()) {
            write.cuts.iter().for_each(say_cut);
            self.shared.metrics.wrote(write.cuts.iter().map(|cut| cut.endpoints + cut.ports).sum());
            // There is a place for each unanswered write; and that a stream has broken is told by its answers.
            let _ = writes.try_send(write.message);
            sent = true;
        }
        sent
    }

    fn answered(&self, stream: &mut Stream, answer: Option<v1::DirectoryWritten>) -> Result<(), CaError> {
        let number = answer.ok_or(CaError::Ended)?.number;
        stream.heard = Instant::now();
        let settled = self.shared.with(|cluster| {
            cluster.directory.answered(number)?;
            Ok::<_, CaError>(cluster.directory.has_listed())
        })?;
        self.shared.board.ca_listens(settled);
        Ok(())
    }

    fn unanswered(&self) -> u64 {
        self.shared.with(|cluster| cluster.directory.unanswered())
    }
}

/// An open stream.
struct Stream {
    writes: mpsc::Sender<v1::DirectoryWrite>,
    answers: Streaming<v1::DirectoryWritten>,
    /// When the CA was heard last, or was first asked after it had answered all.
    heard: Instant,
}

/// The newest certificate, once there is one.
async fn next(identities: &mut watch::Receiver<Option<Arc<Identity>>>) -> Option<Arc<Identity>> {
    identities.wait_for(Option::is_some).await.ok()?.clone()
}

fn say_cut(cut: &Cut) {
    let Cut { service, ports, endpoints } = cut;
    warn!(%service, ports, endpoints, "a service has more ports or endpoints than the mesh takes; the rest is left out");
}

/// A burst of changes becomes one write.
const LINGER: Duration = Duration::from_millis(20);
/// For an answer: a write is one transaction of the CA.
const PATIENCE: Duration = Duration::from_secs(30);
