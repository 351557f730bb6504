//! Goldens in the place of a reference that is there.
//!
//! For a reference that takes long to start: where its versions are those that the goldens were
//! recorded from, it does what they say. That is not simply believed: a sample of the cases is put to
//! the live reference in every run. A behaviour that was changed after its golden shows with the agents,
//! of which the reference is always asked.

use std::sync::Arc;

use crate::http2::message::checksum;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::goldens::Goldens;
use crate::process::context::RunContext;

/// One of so many cases is put to the live reference.
const SAMPLE: u64 = 32;

/// Whether the goldens of a suite stand in for its reference.
#[derive(Clone, Debug)]
pub(crate) enum GoldenSubstitution {
    /// For all cases that these have, but for the sample.
    Of(Arc<Goldens>),
    /// For none.
    Nobody { why: String },
}

impl GoldenSubstitution {
    /// Asks `reference` for its versions, and compares them with those of `goldens`.
    pub(crate) fn of(
        reference: &impl Reference,
        goldens: &Arc<Goldens>,
        context: &RunContext,
    ) -> Self {
        match reference.versions(context) {
            Ok(versions) if versions == goldens.versions => Self::Of(Arc::clone(goldens)),
            Ok(versions) => Self::Nobody {
                why: format!(
                    "they are of {}, and this is {}",
                    goldens.versions.join(", "),
                    versions.join(", ")
                ),
            },
            Err(why) => Self::Nobody { why },
        }
    }

    /// Whether they stand in where `case` is played.
    pub(crate) fn is_for(&self, case: &impl Case) -> bool {
        match self {
            Self::Of(goldens) => goldens.of(case.name()).is_some() && !is_in_sample(case),
            Self::Nobody { .. } => false,
        }
    }

    /// What a person should know of a run with `cases`.
    pub(crate) fn told(&self, cases: &[Arc<impl Case>]) -> String {
        match self {
            Self::Of(goldens) => format!(
                "the goldens stood in for the reference's client program in {} of {} cases, as they \
                 are of {}; --baseline live runs it in all",
                cases.iter().filter(|case| self.is_for(&***case)).count(),
                cases.len(),
                goldens.versions.join(", ")
            ),
            Self::Nobody { why } => {
                format!("the goldens did not stand in for the reference's client program: {why}")
            }
        }
    }
}

/// The sample is drawn by the names of cases, so that it stays the same when others are added; what
/// the tables state an expectation of is always in it, because the reference is judged by that too.
fn is_in_sample(case: &impl Case) -> bool {
    case.has_expectation() || checksum(case.name().as_bytes()).is_multiple_of(SAMPLE)
}
