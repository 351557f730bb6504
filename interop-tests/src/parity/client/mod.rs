//! Behaviours: a scripted server does the same to several clients, and the outcomes are compared.
//!
//! The counterpart of [`server`](crate::parity::server).
//!
//! - [`table`], [`family`], [`call`]: the tables
//! - [`scripted_server`]: the server while a behaviour runs
//! - [`outcome`], [`requests`]: the observation, and which parts of it are compared
//! - [`suite`]: a behaviour at a client, and the comparison of clients
//! - [`programs`]: the same with client programs instead of agents

pub(crate) mod call;
pub(crate) mod family;
pub(crate) mod outcome;
pub(crate) mod programs;
pub(crate) mod requests;
pub(crate) mod scripted_server;
pub(crate) mod suite;
pub(crate) mod table;
