//! Probes: the same raw bytes to several servers, and what each of them does.
//!
//! - [`probe`], [`action`], [`header_list`], [`body`], [`text`]: the tables
//! - [`frame`], [`header_block`], [`window`], [`answer`], [`connection`]: HTTP/2 without a library
//! - [`script`], [`patience`], [`crowd`], [`play`]: a probe while it runs
//! - [`oracle`], [`reference`], [`golden`], [`recording`]: what is right
//! - [`observation`], [`mask`]: what came of it, and what of that is compared
//! - [`class`], [`entry`], [`fuzz`]: probes that nobody wrote

mod action;
mod answer;
mod body;
pub(crate) mod class;
mod connection;
pub(crate) mod crowd;
mod entry;
mod frame;
pub(crate) mod fuzz;
pub(crate) mod golden;
mod header_block;
mod header_list;
mod mask;
pub(crate) mod observation;
pub(crate) mod oracle;
mod patience;
pub(crate) mod play;
pub(crate) mod probe;
pub(crate) mod recording;
pub(crate) mod reference;
mod script;
mod text;
mod window;
