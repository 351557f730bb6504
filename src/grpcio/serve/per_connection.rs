//! A service that is cloned for each connection and not for each call.
//!
//! A call keeps the service until its message has arrived. A clone for each call would update the
//! reference counts in the service, which cores that serve other connections share.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tower::Service;

/// The service of one connection. Clones share it.
#[derive(Debug)]
pub(super) struct PerConnection<S>(Arc<Mutex<S>>);

impl<S> PerConnection<S> {
    pub(super) fn new(service: S) -> Self {
        Self(Arc::new(Mutex::new(service)))
    }
}

impl<S> Clone for PerConnection<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service<R>, R> Service<R> for PerConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_ready(cx)
    }

    /// A connection is served by one thread, so the lock is free. It is not held while the call runs.
    fn call(&mut self, request: R) -> S::Future {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).call(request)
    }
}
