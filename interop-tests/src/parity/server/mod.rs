//! Probes: the same raw bytes to several servers, and what each of them does.
//!
//! - [`probe`], [`action`], [`request`]: the tables
//! - [`answer`], [`connection`]: the client's side of a connection
//! - [`script`], [`patience`], [`crowd`], [`play`]: a probe while it runs
//! - [`reference`]: what is right
//! - [`lines`], [`mask`]: what came of it, and what of that is compared
//! - [`class`], [`entry`], [`fuzz`]: probes that nobody wrote

pub(crate) mod action;
pub(crate) mod burst_lock;
pub(crate) mod case_run;
pub(crate) mod class;
pub(crate) mod connection;
pub(crate) mod entry;
pub(crate) mod lines;
pub(crate) mod mask;
pub(crate) mod probe;
pub(crate) mod quiescence;
pub(crate) mod reference;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod script;
pub(crate) mod suite;
