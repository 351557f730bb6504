//! What a trial found out and what that means: observations, mismatches, verdicts, known deviations.
//!
//! A suite makes a [`finding`] with its [`evidence`] of a [`trial`]; [`deviations`] turn that into a
//! [`verdict`].

pub(crate) mod deviations;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod trial;
pub(crate) mod verdict;
