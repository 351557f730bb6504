//! The client programs of the suite `client-parity`, as a user runs them. They always connect to port 50051.
//!
//! All programs share one listener. So the tool must find out which program made a connection.
//!
//! - [`port_demultiplexer`], [`port_owner`], `sock_diag`: from port 50051 to the scripted server of a program
//! - [`suite`]: runs a behaviour with a program, and defines the comparison of programs

pub(crate) mod port_demultiplexer;
pub(crate) mod port_owner;
#[cfg(target_os = "linux")]
pub(crate) mod sock_diag;
pub(crate) mod suite;
