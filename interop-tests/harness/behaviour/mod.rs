//! Behaviours: a scripted server does the same to several clients, and what each makes of it.
//!
//! The mirror image of [`parity`](super::parity), with which it shares [`wire`](super::wire) and
//! [`oracle`](super::oracle).
//!
//! - [`table`], [`family`], [`action`], [`call`], [`response`], [`stated`]: the tables
//! - [`door`], [`stage`], [`conversation`], [`script`], [`pulse`]: the scripted server
//! - [`sent`], [`outcome`], [`details`], [`deadline`]: what is observed of a client, and what of that
//!   is compared
//! - [`play`], [`reference`]: a behaviour while it runs, and what is right
//! - [`programs`]: the same with client programs instead of agents

mod action;
mod call;
mod conversation;
mod deadline;
mod details;
mod door;
mod family;
mod outcome;
pub(crate) mod play;
pub(crate) mod programs;
mod pulse;
pub(crate) mod reference;
mod response;
mod script;
mod sent;
mod stage;
mod stated;
pub(crate) mod table;
