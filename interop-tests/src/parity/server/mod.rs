//! Probes: the same bytes to several servers, and a comparison of what each responds.
//!
//! - [`probe`]: the tables, and a probe as the text of an entry
//! - [`case_run`], [`quiescence`]: a probe while it runs
//! - [`lines`], [`mask`]: the observation, and which parts of it are compared
//! - [`class`]: classes of random requests
//! - [`suite`]: the servers, the reference among them, and the trials

pub(crate) mod case_run;
pub(crate) mod class;
pub(crate) mod lines;
pub(crate) mod mask;
pub(crate) mod probe;
pub(crate) mod quiescence;
pub(crate) mod suite;
