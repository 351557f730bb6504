//! How many trials run at once that keep a processor busy.
//!
//! A trial goes through it only for as long as it is busy. Not libtest-mimic's number of threads,
//! because some trials wait for seconds without doing anything, and more of those can run side by side
//! than there are processors.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Lets so many in at a time; clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Semaphore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Mutex<usize>,
    left: Condvar,
}

/// A place inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Shared);

impl Semaphore {
    pub(crate) fn new(places: usize) -> Self {
        Self(Arc::new(Shared { free: Mutex::new(places.max(1)), left: Condvar::new() }))
    }

    /// Waits until there is a place.
    pub(crate) fn enter(&self) -> Permit<'_> {
        let free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.0.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(&self.0)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}
