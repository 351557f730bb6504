//! What is right where no table states it: what the reference does.
//!
//! Shared by the suites that compare, whatever a case of theirs is: one that plays a client to
//! servers, or one that plays a server to clients.
//!
//! - [`case`], [`naming`], [`grade`]: what a case is, and a reference
//! - [`standard`], [`right`], [`golden`], [`recording`], [`moved`], [`stand_in`], [`other_versions`]:
//!   the live reference, and what it once did
//! - [`memory`], [`versions`]: what a reference is made of
//! - [`observation`]: what was seen

pub(crate) mod case;
pub(crate) mod drift;
pub(crate) mod expected;
pub(crate) mod golden_substitution;
pub(crate) mod goldens;
pub(crate) mod naming;
pub(crate) mod other_versions;
pub(crate) mod recording;
pub(crate) mod reference_cache;
pub(crate) mod suite;
pub(crate) mod versions;
