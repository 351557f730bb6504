//! The cases that the trials of a run need.
//!
//! All trials exist before the first one runs, and those that are not selected are dropped before. So the first trial of
//! a peer knows the cases of all others, and can run them together.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The cases that trials need.
#[derive(Debug)]
pub(crate) struct Needed<C>(Mutex<Vec<Weak<C>>>);

/// Exists as long as a trial needs its case.
#[derive(Debug)]
pub(crate) struct Need<C>(pub(crate) Arc<C>);

impl<C> Default for Needed<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C> Needed<C> {
    /// Adds a case. It is needed until the returned value is dropped.
    pub(crate) fn add(&self, case: C) -> Need<C> {
        let case = Arc::new(case);
        self.0.lock().push(Arc::downgrade(&case));
        Need(case)
    }

    /// Removes all cases, and returns those that are still needed, in the order in which they were added.
    pub(crate) fn take(&self) -> Vec<Arc<C>> {
        let cases = std::mem::take(&mut *self.0.lock());
        cases.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_needed_as_long_as_its_trial_exists() {
        let needed = Needed::default();
        let (first, second) = (needed.add(1), needed.add(2));
        drop(first);
        let third = needed.add(3);
        assert_eq!(needed.take(), [Arc::new(2), Arc::new(3)]);
        assert_eq!(needed.take(), [], "they are taken once");
        assert_eq!((*second.0, *third.0), (2, 3));
    }
}
