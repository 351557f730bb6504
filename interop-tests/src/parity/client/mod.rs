//! The suite `client-parity`: several clients call the same scripted server, and their outcomes are compared.
//!
//! This is the counterpart of [`server`](crate::parity::server).
//!
//! - [`table`], [`family`], [`call`]: read the behaviours of the scripted server
//! - [`scripted_server`]: runs a behaviour
//! - [`outcome`], [`requests`]: the observation, and which parts of it are compared
//! - [`suite`]: the clients, which are agents
//! - [`programs`]: the same for client programs

pub(crate) mod call;
pub(crate) mod family;
pub(crate) mod outcome;
pub(crate) mod programs;
pub(crate) mod requests;
pub(crate) mod scripted_server;
pub(crate) mod suite;
pub(crate) mod table;
