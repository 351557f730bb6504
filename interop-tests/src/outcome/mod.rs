//! The result of a trial: observations, mismatches, verdicts, known deviations.
//!
//! A suite reports a [`finding`] with [`evidence`] for each [`trial`]. Its trials can run cases together that are
//! [`needed`]. With the known [`deviations`], the finding
//! becomes a [`verdict`]. The suite `compare` also reports a [`comparison`] for each method.

pub(crate) mod comparison;
pub(crate) mod deviations;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod needed;
pub(crate) mod status;
pub(crate) mod trial;
pub(crate) mod verdict;

pub(crate) use comparison::{MethodComparison, MethodVerdict};
pub(crate) use deviations::KnownDeviations;
pub(crate) use evidence::{Evidence, Report};
pub(crate) use finding::{Finding, Line, Mismatch, Observation, ReferenceDrift};
pub(crate) use needed::{Need, Needed};
pub(crate) use trial::{BaselineKind, PortUser, Trial, TrialName};
pub(crate) use verdict::{Grade, Verdict, VerdictKind};
