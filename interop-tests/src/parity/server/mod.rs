//! The suite `server-parity`: sends the same probes to several servers of the calculator and compares their responses.
//!
//! - [`suite`]: the servers, including the reference
//! - [`batch`]: sends the probes to one of them

pub(crate) mod batch;
pub(crate) mod suite;
