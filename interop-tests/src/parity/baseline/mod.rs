//! The comparison of peers with a baseline: the same for servers, clients and client programs.
//!
//! No table states what is right here. The expected outcome of a case is what the reference does with it
//! in the same run, or what the goldens say that it did. A suite describes itself by [`suite::Comparison`];
//! everything else is shared.
//!
//! - [`mod@reference`]: what is compared, and the peers at which it is observed
//! - [`expected`]: the expected outcome of a case
//! - [`goldens`], [`recording`]: what the reference did when it was recorded
//! - [`suite`]: cases × peers

pub(crate) mod expected;
pub(crate) mod goldens;
pub(crate) mod recording;
pub(crate) mod reference;
pub(crate) mod suite;

pub(crate) use reference::{Case, CaseRun, Reference, Subject};
pub(crate) use suite::{Comparison, Side, Suite};
