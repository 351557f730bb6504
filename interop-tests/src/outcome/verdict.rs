//! The verdict on a case: a finding in the light of the known deviations.
//!
//! Six kinds and not two, because "not supported" and "skipped" must never look like a pass.

use crate::outcome::finding::Mismatch;

/// How a case ended.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Passed,
    /// Failed exactly as the ledger says it does.
    KnownDeviation {
        reason: String,
        link: String,
        mismatches: Vec<Mismatch>,
    },
    NotSupported {
        reason: String,
    },
    /// Left out on explicit request.
    Skipped {
        reason: String,
    },
    Failed {
        why: String,
        mismatches: Vec<Mismatch>,
    },
    /// The case could not begin.
    SetUpError {
        why: String,
    },
}
