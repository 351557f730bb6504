//! Probes: the same raw bytes to several servers, and what each of them does.
//!
//! - [`probe`], [`action`], [`request`]: the tables
//! - [`answer`], [`connection`]: the client's side of a connection
//! - [`script`], [`patience`], [`crowd`], [`play`]: a probe while it runs
//! - [`reference`]: what is right
//! - [`lines`], [`mask`]: what came of it, and what of that is compared
//! - [`class`], [`entry`], [`fuzz`]: probes that nobody wrote

mod action;
mod answer;
pub(crate) mod class;
mod connection;
pub(crate) mod crowd;
mod entry;
pub(crate) mod fuzz;
mod lines;
mod mask;
mod patience;
pub(crate) mod play;
pub(crate) mod probe;
pub(crate) mod reference;
mod request;
mod script;
