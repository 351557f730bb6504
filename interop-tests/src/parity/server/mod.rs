//! The suite `server-parity`: sends the same probes to several servers of the calculator and compares their responses.
//!
//! - [`case_run`]: runs a probe
//! - [`suite`]: the servers, including the reference

pub(crate) mod case_run;
pub(crate) mod suite;
