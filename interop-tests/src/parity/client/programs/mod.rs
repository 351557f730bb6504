//! A behaviour and the client programs as a person runs them, which know no port but the document's.
//!
//! They cannot be told where to connect, so all of them share one listener, and whose connection it
//! is has to be found out.
//!
//! - [`case`]: which behaviours, and what is special about a program with one
//! - [`switchboard`], [`port_owner`], [`sock_diag`]: from the document's port to the stage of the program that came
//! - [`run`], [`traceback`], [`ending`]: a program from its start to what is compared
//! - [`suite`]: the comparison of programs

pub(crate) mod case;
pub(crate) mod exit;
pub(crate) mod port_demultiplexer;
pub(crate) mod port_owner;
pub(crate) mod run;
#[cfg(target_os = "linux")]
pub(crate) mod sock_diag;
pub(crate) mod suite;
pub(crate) mod traceback;
