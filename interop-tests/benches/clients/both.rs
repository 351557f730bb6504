//! A pair of values for both languages.

use serde::{Deserialize, Serialize};

/// A value for each language.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Both<T> {
    pub(super) python: T,
    pub(super) rust: T,
}

impl<T> Both<T> {
    /// Measures one and then the other. The first one alternates, so that neither always benefits from the other.
    pub(super) fn in_turn<U, E>(
        &self,
        time: usize,
        mut measure: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Both<U>, E> {
        if time.is_multiple_of(2) {
            let python = measure(&self.python)?;
            Ok(Both { python, rust: measure(&self.rust)? })
        } else {
            let rust = measure(&self.rust)?;
            Ok(Both { python: measure(&self.python)?, rust })
        }
    }
}
