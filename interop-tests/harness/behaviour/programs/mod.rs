//! A behaviour and the client programs as a person runs them, which know no port but the document's.
//!
//! They cannot be told where to connect, so all of them share one listener, and whose connection it
//! is has to be found out.
//!
//! - [`case`]: which behaviours, and what is special about a program with one
//! - [`switchboard`], [`port_owner`], [`sock_diag`]: from the document's port to the stage of the program that came
//! - [`run`], [`traceback`], [`ending`]: a program from its start to what is compared
//! - [`reference`]: what is right

pub(crate) mod case;
mod ending;
mod port_owner;
pub(crate) mod reference;
pub(crate) mod run;
#[cfg(target_os = "linux")]
mod sock_diag;
mod switchboard;
mod traceback;
