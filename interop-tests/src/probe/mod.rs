//! Probes: requests below the level of messages, for any method of any server.
//!
//! The suites `server-parity` and `compare` and the command `fuzz` send the same probes. They differ only in what they
//! compare the responses with.
//!
//! - [`table`]: a probe, which is read from a table and written as an entry of one
//! - [`target`], [`adaptation`]: the method that is probed, and probes of the calculator adapted to other methods
//! - [`exchange`], [`quiescence`]: send a probe and receive the responses
//! - [`lines`], [`mask`]: the observation, and which parts of the responses are compared
//! - [`engine`], [`pool`]: send many probes at once
//! - [`direct`]: which probes need a direct connection to the server
//! - [`class`], [`mutation`]: classes of random requests, and their generation

pub(crate) mod adaptation;
pub(crate) mod class;
pub(crate) mod direct;
pub(crate) mod engine;
pub(crate) mod exchange;
pub(crate) mod lines;
pub(crate) mod mask;
pub(crate) mod mutation;
pub(crate) mod pool;
pub(crate) mod quiescence;
pub(crate) mod table;
pub(crate) mod target;
