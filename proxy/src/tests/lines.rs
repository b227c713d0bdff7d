//! The log of a test binary, as a test reads it: whole lines, by what they speak of.

use std::io;
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex, OnceLock};

use serde_json::Value;
use tokio::sync::watch;

/// Begins to keep the log; done once for all tests, which find their own lines by address.
pub(crate) fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::DEBUG);
        lines.with_writer(|| Writer).init();
    });
}

/// The line of one connection. Ports are used again by other tests, so both ends name it.
pub(crate) async fn connection(direction: &str, from: SocketAddr, to: SocketAddr) -> Value {
    let (from, to) = (from.to_string(), to.to_string());
    line(&[("message", "connection"), ("direction", direction), ("from", &from), ("to", &to)]).await
}

/// The line of one connection that came in a tunnel, by what the client's proxy says of it.
pub(crate) async fn tunnelled(client: SocketAddr, to: SocketAddr) -> Value {
    let (client, to) = (client.to_string(), to.to_string());
    line(&[("message", "connection"), ("direction", "inbound"), ("claimed_from", &client), ("to", &to)]).await
}

/// The first line in which all of these fields have these values; waits for it.
pub(crate) async fn line(wanted: &[(&str, &str)]) -> Value {
    let mut changes = CHANGES.subscribe();
    let found = || {
        let lines = LINES.lock().unwrap();
        lines.iter().find(|line| wanted.iter().all(|(key, value)| line[*key] == **value)).cloned()
    };
    let wait = async {
        loop {
            if let Some(line) = found() {
                return line;
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(super::support::DEADLINE, wait).await.unwrap_or_else(|_| {
        panic!("no line with {wanted:?} among {:#?}", LINES.lock().unwrap().iter().rev().take(20).collect::<Vec<_>>())
    })
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().push(serde_json::from_slice(bytes).unwrap());
        CHANGES.send_modify(|count| *count += 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static LINES: Mutex<Vec<Value>> = Mutex::new(Vec::new());
static CHANGES: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));
