//! What the tests of the whole proxy say in one word.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The one deadline of every wait; it is reached only by a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(DEADLINE, future).await;
    in_time.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// Equal labels talk; the loopback networks 1 and 2 are the mesh.
pub(crate) const SAME_LABEL: &str = r#"{ "mesh-cidrs": ["127.0.1.0/24", "127.0.2.0/24"] }"#;

/// Says something and hears it.
pub(crate) async fn says(speaker: &mut TcpStream, listener: &mut TcpStream, text: &str) {
    speaker.write_all(text.as_bytes()).await.unwrap();
    let mut heard = vec![0; text.len()];
    within("the words", listener.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, text.as_bytes());
}

/// Waits for the end of a socket, which must be a reset and no clean one.
pub(crate) async fn is_reset(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let end = within("a reset", stream.read_to_end(&mut rest)).await;
    assert_eq!(end.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
}

/// Waits for the clean end of a socket.
pub(crate) async fn is_finished(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    assert_eq!(within("an end", stream.read_to_end(&mut rest)).await.unwrap(), 0, "{rest:?}");
}
