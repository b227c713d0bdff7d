//! The loop around a listener: accept, serve each connection in a task, stop, wait for those that are open.

use std::future::Future;
use std::net::SocketAddr;

use bulkhead_daemon::Stop;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::metrics::Metrics;
use crate::socket::Listener;

/// Accepts until stopped, then waits for what was accepted to end. The tasks are this future's: dropped, it ends them.
pub(crate) async fn accept_each<F>(
    mut listener: Listener,
    metrics: &Metrics,
    stop: &Stop,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let (mut tasks, mut shed) = (JoinSet::new(), 0);
    loop {
        tokio::select! {
            () = stop.stopped() => break,
            (stream, from) = listener.accept() => {
                tasks.spawn(serve(stream, from));
                metrics.shed(listener.shed() - shed);
                shed = listener.shed();
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    // Closed before the wait: what nobody accepts any more is refused, not left waiting.
    drop(listener);
    while tasks.join_next().await.is_some() {}
}
