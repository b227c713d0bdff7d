//! A raw HTTP/2 CONNECT, with no check of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{Method, Request, Uri};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{identity, unchecked};

/// One line that says how far it came.
pub(crate) async fn connect(identity: &str, to: &str, authority: &str, text: Option<&str>) -> Result<String> {
    let config = unchecked::config(identity::read(identity)?)?;
    let tried = timeout(LIMIT, attempt(TlsConnector::from(config), to, authority, text)).await;
    tried.context("nothing happened for too long")?
}

async fn attempt(connector: TlsConnector, to: &str, authority: &str, text: Option<&str>) -> Result<String> {
    let tcp = TcpStream::connect(to).await.with_context(|| format!("cannot reach {to}"))?;
    let name = ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into());
    match connector.connect(name, tcp).await {
        Ok(tls) => ask(tls, authority, text).await,
        Err(error) => Ok(format!("refused by handshake: {error}")),
    }
}

/// With TLS 1.3 the client's handshake ends before the server has seen its certificate: whether it was accepted shows
/// in what comes first, the server's SETTINGS or an alert.
async fn ask(tls: TlsStream<TcpStream>, authority: &str, text: Option<&str>) -> Result<String> {
    let (mut client, connection) = match h2::client::handshake(tls).await {
        Ok(tunnel) => tunnel,
        Err(error) => return Ok(format!("refused after the handshake: {error}")),
    };
    let driver = tokio::spawn(async move { connection.await.map_err(|error| error.to_string()) });
    let answered = async { exchange(&mut client, authority, text).await };
    match answered.await {
        Ok(line) => Ok(line),
        Err(error) => match timeout(Duration::from_secs(2), driver).await {
            Ok(Ok(Err(reason))) => Ok(format!("refused after the handshake: {reason}")),
            _ => Ok(format!("failed: {error}")),
        },
    }
}

async fn exchange(client: &mut SendRequest<Bytes>, authority: &str, text: Option<&str>) -> Result<String, h2::Error> {
    std::future::poll_fn(|context| client.poll_ready(context)).await?;
    let uri: Uri = match authority.parse() {
        Ok(uri) => uri,
        Err(_) => return Ok("failed: the authority cannot be written".to_owned()),
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = uri;
    let (response, stream): (ResponseFuture, SendStream<Bytes>) = client.send_request(request, false)?;
    let response = response.await?;
    let status = response.status().as_u16();
    match text.filter(|_| status == 200) {
        Some(text) => Ok(format!("status {status} {}", talk(stream, response.into_body(), text).await?)),
        None => Ok(format!("status {status}")),
    }
}

async fn talk(mut stream: SendStream<Bytes>, mut body: RecvStream, text: &str) -> Result<String, h2::Error> {
    stream.send_data(Bytes::from(text.to_owned()), true)?;
    let mut heard = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        heard.extend_from_slice(&data);
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

const LIMIT: Duration = Duration::from_secs(10);
