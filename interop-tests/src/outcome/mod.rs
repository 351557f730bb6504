//! What a trial found out and what that means: observations, mismatches, verdicts, known deviations.
//!
//! A suite makes a [`finding`] with its [`evidence`] of a [`trial`]; [`deviations`] turn that into a
//! [`verdict`].

pub(crate) mod deviations;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod trial;
pub(crate) mod verdict;

pub(crate) use deviations::{Class, Ledger};
pub(crate) use evidence::{Evidence, Report};
pub(crate) use finding::{Finding, Line, Mismatch, Observation, ReferenceDrift};
pub(crate) use trial::{BaselineKind, PortUser, Trial, TrialName};
pub(crate) use verdict::{Grade, Verdict, VerdictKind};
