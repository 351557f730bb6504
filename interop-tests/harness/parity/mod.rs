//! Probes: the same raw bytes to several servers, and what each of them does.
//!
//! - [`probe`], [`action`], [`header_list`], [`body`], [`text`]: the tables
//! - [`frame`], [`header_block`], [`window`], [`answer`], [`connection`]: HTTP/2 without a library
//! - [`script`], [`patience`], [`crowd`], [`play`]: a probe while it runs
//! - [`oracle`], [`reference`], [`golden`], [`recording`]: what is right
//! - [`observation`], [`mask`]: what came of it, and what of that is compared

mod action;
mod answer;
mod body;
mod connection;
pub(crate) mod crowd;
mod frame;
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
