//! The comparison of peers with a baseline: the same for servers, clients and client programs.
//!
//! No table states what is right here. The expected outcome of a case is what the reference does with it
//! in the same run, or what the goldens say that it did. A suite describes itself by [`suite::Comparison`];
//! everything else is shared.
//!
//! - [`case`], [`subject`], [`reference`]: what is compared, by observing it at whom
//! - [`expected`], [`drift`]: the expected outcome, and a reference that is not as the goldens say
//! - [`goldens`], [`recording`], [`golden_substitution`]: what the reference did when it was recorded
//! - [`suite`]: cases × peers
//! - [`versions`]: what a peer is made of

pub(crate) mod case;
pub(crate) mod drift;
pub(crate) mod expected;
pub(crate) mod golden_substitution;
pub(crate) mod goldens;
pub(crate) mod recording;
pub(crate) mod reference;
pub(crate) mod subject;
pub(crate) mod suite;
pub(crate) mod versions;
