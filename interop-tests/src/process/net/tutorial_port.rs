//! The document's own port, and who may use it.
//!
//! The document's programs know no other port, and grpcio would share it without an error, so that
//! half of the connections went to the wrong server. A lease is no mutex guard, because the
//! reference server keeps it from one trial to the next, whichever thread runs them.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The port of the document's programs.
pub const PORT: u16 = 50051;

/// Gives the port to one user at a time.
#[derive(Clone, Debug, Default)]
pub struct TutorialPort(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_leased: Mutex<bool>,
    given_back: Condvar,
}

/// The right to use the port until this is dropped.
#[derive(Debug)]
pub struct Lease(Arc<Shared>);

impl TutorialPort {
    /// Waits until nobody else uses the port.
    pub fn lease(&self) -> Lease {
        let is_leased = self.0.is_leased.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_leased = self
            .0
            .given_back
            .wait_while(is_leased, |is_leased| *is_leased)
            .unwrap_or_else(PoisonError::into_inner);
        *is_leased = true;
        Lease(Arc::clone(&self.0))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.0.is_leased.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.given_back.notify_one();
    }
}
