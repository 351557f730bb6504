//! The interop harness: every server with every client, compared.
//!
//! Data flows one way. No module here knows a language: what differs between peers stands in
//! `peers.toml`, and what is right in the suites' tables.
//!
//! - [`command_line`], [`run`], [`order`], [`gate`], [`judge`]: from options to an exit status
//! - [`tables`], [`config`], [`peer`], [`program`], [`scenario`], [`value`], [`payload`],
//!   [`expectation`]: the tables
//! - [`suites`], [`trial`]: peers × cases
//! - [`setting`], [`slot`], [`agent_slot`], [`agent_pool`], [`pairing`]: a case while it runs
//! - [`wire`], [`oracle`], [`parity`], [`behaviour`]: peers that are compared on the wire
//! - [`reaper`], [`process`], [`server`], [`agent`], [`protocol`], [`port`], [`document_port`],
//!   [`target`]: processes and addresses
//! - [`finding`], [`deviation`], [`verdict`]: from what was observed to what it means
//! - [`record`], [`matrix`], [`failure`]: what a person reads

mod agent;
mod agent_pool;
mod agent_slot;
mod behaviour;
mod command_line;
mod config;
mod deviation;
mod document_port;
mod expectation;
mod failure;
mod finding;
mod gate;
mod judge;
mod matrix;
mod oracle;
mod order;
mod pairing;
mod parity;
pub(crate) mod payload;
pub(crate) mod peer;
mod port;
pub(crate) mod process;
mod program;
mod protocol;
mod reaper;
mod record;
mod run;
mod scenario;
pub(crate) mod server;
mod setting;
mod slot;
mod suites;
mod tables;
mod target;
mod trial;
mod value;
mod verdict;
mod wire;

pub(crate) use program::Places;
pub(crate) use run::main;
