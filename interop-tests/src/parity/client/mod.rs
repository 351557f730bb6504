//! Behaviours: a scripted server does the same to several clients, and what each makes of it.
//!
//! The mirror image of [`parity`](crate::parity::server), with which it shares [`wire`](crate::http2) and
//! [`oracle`](crate::parity::baseline).
//!
//! - [`table`], [`family`], [`action`], [`call`], [`response`], [`stated`]: the tables
//! - [`door`], [`stage`], [`conversation`], [`script`], [`pulse`]: the scripted server
//! - [`sent`], [`outcome`], [`details`], [`deadline`]: what is observed of a client, and what of that
//!   is compared
//! - [`play`], [`reference`]: a behaviour while it runs, and what is right
//! - [`programs`]: the same with client programs instead of agents

pub(crate) mod action;
pub(crate) mod activity;
pub(crate) mod call;
pub(crate) mod case_run;
pub(crate) mod deadline;
pub(crate) mod family;
pub(crate) mod listener;
pub(crate) mod outcome;
pub(crate) mod programs;
pub(crate) mod reference;
pub(crate) mod requests;
pub(crate) mod response;
pub(crate) mod script;
pub(crate) mod scripted_connection;
pub(crate) mod scripted_server;
pub(crate) mod stated;
pub(crate) mod status_message;
pub(crate) mod suite;
pub(crate) mod table;
