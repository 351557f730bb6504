//! The interop harness: every server with every client, compared.
//!
//! Data flows one way. No module here knows a language: what differs between peers stands in
//! `peers.toml`, and what is right in the suites' tables.
//!
//! - [`command_line`], [`run`], [`execution`], [`order`], [`gate`], [`judge`]: from options to an exit status
//! - [`tables`], [`config`], [`peers`], [`peer`], [`variables`], [`program`], [`attachment`],
//!   [`scenario`], [`value`], [`payload`], [`expectation`]: the tables
//! - [`suites`], [`trial`]: peers × cases
//! - [`setting`], [`arrangement`], [`slot`], [`fleet`], [`agent_slot`], [`agent_pool`], [`crew`],
//!   [`pairing`], [`play`], [`own_server`], [`memory`], [`tap`]: a case while it runs
//! - [`wire`], [`oracle`], [`parity`], [`behaviour`]: peers that are compared on the wire
//! - [`reaper`], [`process`], [`server`], [`attached`], [`first_word`], [`agent`], [`protocol`],
//!   [`port`], [`document_port`], [`target`], [`sockets`], [`certificates`]: processes, addresses and
//!   credentials
//! - [`finding`], [`deviation`], [`trial_pattern`], [`version_condition`], [`verdict`]: from what was
//!   observed to what it means
//! - [`trace`]: what went over the wire meanwhile, kept of what failed
//! - [`record`], [`report`], [`failure`]: what a person and other programs read
//! - [`afterwards`]: records of runs that are over

mod afterwards;
mod agent;
mod agent_pool;
mod agent_slot;
mod arrangement;
mod attached;
mod attachment;
mod behaviour;
mod certificates;
mod command_line;
pub(crate) mod config;
mod crew;
mod deviation;
pub(crate) mod document_port;
mod execution;
mod expectation;
mod failure;
mod finding;
mod first_word;
mod fleet;
mod gate;
mod judge;
mod memory;
mod oracle;
mod order;
mod own_server;
mod pairing;
mod parity;
pub(crate) mod payload;
pub(crate) mod peer;
pub(crate) mod peers;
mod play;
mod port;
pub(crate) mod process;
pub(crate) mod program;
mod protocol;
pub(crate) mod reaper;
pub(crate) mod record;
mod report;
mod run;
mod scenario;
pub(crate) mod server;
mod setting;
mod slot;
mod sockets;
mod suites;
mod tables;
pub(crate) mod tap;
mod target;
pub(crate) mod trace;
mod trial;
mod trial_pattern;
mod value;
mod variables;
mod verdict;
mod version_condition;
pub(crate) mod wire;

pub(crate) use program::Places;
pub(crate) use run::main;
