//! A service of tower's as hyper calls it: by a shared reference.
//!
//! hyper-util's adapter clones the service for each call instead, which counts four references up and
//! down again, and moves the layers' state about.

use std::cell::RefCell;

use tower::Service;

/// A service that is always ready, as all services and layers here are.
#[derive(Debug)]
pub(super) struct ByReference<S>(RefCell<S>);

impl<S> ByReference<S> {
    pub(super) fn new(service: S) -> Self {
        Self(RefCell::new(service))
    }
}

impl<S: Service<R>, R> hyper::service::Service<R> for ByReference<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: R) -> S::Future {
        self.0.borrow_mut().call(request)
    }
}
