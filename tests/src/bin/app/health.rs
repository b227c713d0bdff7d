//! A server of the gRPC health protocol that is always well.

use std::io;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

/// Serves until it is killed.
#[allow(clippy::print_stdout, reason = "the harness waits for this line")]
pub(crate) fn listen(address: &str) -> io::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {address}");
        loop {
            let (stream, _) = listener.accept().await?;
            // A client that leaves early is no failure of a server.
            tokio::spawn(async move { drop(serve(stream).await) });
        }
    })
}

async fn serve(stream: TcpStream) -> Result<(), h2::Error> {
    let mut connection = server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (_, respond) = request?;
        answer(respond)?;
    }
    Ok(())
}

/// `HealthCheckResponse { status: SERVING }` as a gRPC message: not compressed, two bytes long, field 1 is 1.
fn answer(mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let mut body = respond.send_response(response, false)?;
    body.send_data(Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]), false)?;
    body.send_trailers(HeaderMap::from_iter([(
        "grpc-status".parse().expect("letters and a hyphen"),
        HeaderValue::from_static("0"),
    )]))
}
