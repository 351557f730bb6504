//! The suite `server-parity`: sends the same bytes to several servers and compares their responses.
//!
//! - [`probe`]: reads the probes, and writes a probe as an entry of a table
//! - [`target`], [`adaptation`]: the method that is probed, and probes of the calculator adapted to other methods
//! - [`case_run`], [`quiescence`]: run a probe
//! - [`lines`], [`mask`]: the observation, and which parts of it are compared
//! - [`class`]: classes of random requests
//! - [`suite`]: the servers, including the reference

pub(crate) mod adaptation;
pub(crate) mod case_run;
pub(crate) mod class;
pub(crate) mod lines;
pub(crate) mod mask;
pub(crate) mod probe;
pub(crate) mod quiescence;
pub(crate) mod suite;
pub(crate) mod target;
