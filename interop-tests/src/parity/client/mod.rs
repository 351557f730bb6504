//! Behaviours: a scripted server does the same to several clients, and the outcomes are compared.
//!
//! The counterpart of [`server`](crate::parity::server).
//!
//! - [`table`], [`family`], [`call`], [`stated`]: the tables
//! - [`scripted_server`], [`case_run`]: a behaviour while it runs
//! - [`outcome`], [`requests`], [`deadline`], [`status_message`]: the observation, and which parts of it
//!   are compared
//! - [`suite`]: the comparison of clients
//! - [`programs`]: the same with client programs instead of agents

pub(crate) mod call;
pub(crate) mod case_run;
pub(crate) mod deadline;
pub(crate) mod family;
pub(crate) mod outcome;
pub(crate) mod programs;
pub(crate) mod requests;
pub(crate) mod scripted_server;
pub(crate) mod stated;
pub(crate) mod status_message;
pub(crate) mod suite;
pub(crate) mod table;
