//! Takes a workload's certificate, key and roots from its agent, as a sidecar does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bulkhead_identity::{PrivateKey, pem};
use bulkhead_mesh::SpiffeId;
use bulkhead_protocol::workload_api::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use bulkhead_protocol::workload_api::{X509svid, X509svidRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tower::service_fn;

/// What a workload is given to prove itself with.
#[derive(Debug)]
pub struct Svid {
    /// Its name.
    pub id: SpiffeId,
    /// The leaf, then its intermediates.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKey,
    /// The roots of the mesh.
    pub roots: Vec<CertificateDer<'static>>,
}

/// Asks at a workload's socket until it is answered. An agent that has just heard of a registration has no socket for it
/// yet, and then no certificate; one that has neither after a minute will not get it.
pub async fn fetch(socket: &Path) -> Result<Svid> {
    fetch_until(Instant::now() + PATIENCE, socket).await
}

/// The same under another deadline, which ends also an attempt that hangs; the error is that of the last whole one.
async fn fetch_until(deadline: Instant, socket: &Path) -> Result<Svid> {
    let mut why = anyhow!("the agent did not answer");
    let asking = async {
        loop {
            match ask(socket).await {
                Ok(svid) => return svid,
                Err(error) => why = error,
            }
            sleep(PAUSE).await;
        }
    };
    let asked = timeout_at(deadline, asking).await;
    asked.map_err(|_| why.context(format!("no certificate came from {}", socket.display())))
}

/// Writes key and chain as PEM into a new file that everybody may read: those who measure are other users than the
/// workload's, and the lab's keys open nothing outside it.
pub fn write_pem(svid: &Svid, file: &Path) -> Result<()> {
    let text = svid.key.to_pem().to_string() + &pem::certificates(&svid.chain);
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

async fn ask(socket: &Path) -> Result<Svid> {
    let path = socket.to_owned();
    let dial = service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://bulkhead-agent").connect_with_connector(dial).await?;
    let mut request = Request::new(X509svidRequest {});
    request.metadata_mut().insert("workload.spiffe.io", MetadataValue::from_static("true"));
    let mut answers = SpiffeWorkloadApiClient::new(channel).fetch_x509svid(request).await?.into_inner();
    let answer = answers.message().await?.context("the agent answered nothing")?;
    read(answer.svids.into_iter().next().context("the agent has no certificate")?)
}

fn read(svid: X509svid) -> Result<Svid> {
    Ok(Svid {
        id: svid.spiffe_id.parse()?,
        chain: split(&svid.x509_svid)?,
        key: PrivateKey::from_pkcs8(svid.x509_svid_key)?,
        roots: split(&svid.bundle)?,
    })
}

/// Takes certificates apart that were written one after the other; each of the mesh's has 256 to 65,535 bytes.
fn split(mut bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    while !bytes.is_empty() {
        let [0x30, 0x82, high, low, ..] = *bytes else { bail!("this is no certificate in DER") };
        let length = 4 + usize::from(u16::from_be_bytes([high, low]));
        let (certificate, rest) = bytes.split_at_checked(length).context("a certificate was cut short")?;
        certificates.push(CertificateDer::from(certificate.to_vec()));
        bytes = rest;
    }
    Ok(certificates)
}

const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    #[tokio::test]
    async fn an_agent_that_accepts_and_says_nothing_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("agent.sock");
        let _silent = UnixListener::bind(&socket).unwrap();
        let error = fetch_until(Instant::now() + PAUSE, &socket).await.unwrap_err();
        assert!(format!("{error:#}").ends_with("agent.sock: the agent did not answer"), "{error:#}");
    }
}
