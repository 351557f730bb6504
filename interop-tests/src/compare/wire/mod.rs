//! Cases below the level of messages: the probes of `server-parity`, sent to the user's methods.
//!
//! Each probe waits most of the time, for example for a response that never comes. So many run at once, at servers
//! that no other case uses at the same time.
//!
//! - [`selection`]: which probes are sent to a method
//! - [`outcome`]: what a server does in response to a probe, and how two outcomes differ
//! - [`rounds`]: which differences are stable
//! - [`prepared`]: servers that are ready for probes, and how they receive one
//! - [`run`]: runs many probes at once

pub(crate) mod outcome;
pub(crate) mod prepared;
mod rounds;
pub(crate) mod run;
pub(crate) mod selection;
