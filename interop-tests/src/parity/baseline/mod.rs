//! The comparison of peers with a baseline, shared by servers, clients and client programs.
//!
//! No table states the expected outcome of a case. It is the outcome of the reference in the same run, or its
//! recorded outcome in the goldens. A suite describes itself with [`suite::Comparison`]; everything else is shared.
//!
//! - [`mod@reference`]: cases, the peers at which they run, and the live reference
//! - [`expected`]: the expected outcome of a case
//! - [`goldens`], [`recording`]: the recorded outcomes of the reference
//! - [`suite`]: the trials, which are cases × peers

pub(crate) mod expected;
pub(crate) mod goldens;
pub(crate) mod recording;
pub(crate) mod reference;
pub(crate) mod suite;

pub(crate) use reference::{Case, CaseRun, RunResult, Subject};
pub(crate) use suite::{Comparison, Side, Suite};
