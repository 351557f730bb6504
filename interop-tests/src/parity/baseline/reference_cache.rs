//! What the reference has been seen to do in this run.
//!
//! Each case is put to it once, however many peers are compared with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;

type Once = Arc<OnceLock<Result<Observation, Finding>>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Once>>);

impl Memory {
    /// What came of the case called `name`; `observe` is called if nobody has asked before.
    pub(crate) fn recall(
        &self,
        name: &str,
        observe: impl FnOnce() -> Result<Observation, Finding>,
    ) -> Result<Observation, Finding> {
        let once = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(name.to_owned()).or_default())
        };
        once.get_or_init(observe).clone()
    }
}
