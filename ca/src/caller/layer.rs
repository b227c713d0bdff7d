//! The layer in front of a face: finds out who calls, or answers in the face's place.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bulkhead_daemon::chain;
use bulkhead_identity::peer::VerifiedPeer;
use bulkhead_protocol::transport::ConnectedPeer;
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Layer, Service};

use super::{Caller, NotAllowed, Role};
use crate::ca::{Ca, Punctuality};
use crate::denied::Denied;

/// Lets only callers of the role `R` reach a face.
#[derive(Debug)]
pub struct CallerLayer<R> {
    ca: Arc<Ca>,
    role: PhantomData<fn() -> R>,
}

/// A face behind its layer.
#[derive(Debug)]
pub struct Guarded<S, R> {
    inner: S,
    ca: Arc<Ca>,
    role: PhantomData<fn() -> R>,
}

impl<R> CallerLayer<R> {
    /// The layer that asks this CA's records.
    pub fn new(ca: &Arc<Ca>) -> Self {
        Self { ca: Arc::clone(ca), role: PhantomData }
    }
}

impl<S, R> Layer<S> for CallerLayer<R> {
    type Service = Guarded<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { inner, ca: Arc::clone(&self.ca), role: PhantomData }
    }
}

impl<S: Clone, R> Clone for Guarded<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), ca: Arc::clone(&self.ca), role: PhantomData }
    }
}

impl<S: NamedService, R> NamedService for Guarded<S, R> {
    const NAME: &'static str = S::NAME;
}

impl<S, R> Service<Request<Body>> for Guarded<S, R>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    R: Role,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let ca = Arc::clone(&self.ca);
        Box::pin(async move {
            match recognise::<R>(&ca, request.extensions().get()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(refusal) => Ok(refuse(&ca, refusal)),
            }
        })
    }
}

async fn recognise<R: Role>(ca: &Arc<Ca>, connected: Option<&ConnectedPeer>) -> Result<Caller<R>, NotAllowed> {
    let peer = connected.and_then(|connected| connected.peer.clone()).ok_or(NotAllowed::NoCertificate)?;
    let punctuality = still_believed(ca, &peer)?;
    let on_record = ca.store.read(move |now| {
        let unknown = || NotAllowed::NotOnRecord { id: peer.id().clone(), serial: peer.serial() };
        let record = now.certificate(peer.serial())?.filter(|record| record.credential() == *peer.credential());
        record.ok_or_else(unknown)?;
        R::recognise(&peer, punctuality, now).map(Caller)
    });
    on_record.await
}

/// A connection outlives its handshake: its certificate may have ended or been cut off since.
fn still_believed(ca: &Ca, peer: &VerifiedPeer) -> Result<Punctuality, NotAllowed> {
    let void = |source| NotAllowed::Void { id: peer.id().clone(), source: Box::new(source) };
    ca.recheck(peer).map_err(void)
}

fn refuse(ca: &Ca, refusal: NotAllowed) -> Response<Body> {
    let denied = Denied::from(refusal);
    if denied.is_refusal() {
        tracing::info!(reason = chain(&denied), "caller refused");
        ca.metrics.refused_callers.inc();
    } else {
        tracing::error!(error = chain(&denied), "a caller could not be looked up");
    }
    tonic::Status::from(denied).into_http()
}
