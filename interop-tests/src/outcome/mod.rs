//! What a trial found out and what that means: observations, mismatches, verdicts, known deviations.
//!
//! A suite makes a [`finding`] with its [`evidence`]; [`deviations`] turn that into a [`verdict`].

pub(crate) mod deviations;
pub(crate) mod evidence;
pub(crate) mod failure;
pub(crate) mod finding;
pub(crate) mod observation;
pub(crate) mod trial;
pub(crate) mod verdict;
pub(crate) mod version_condition;
