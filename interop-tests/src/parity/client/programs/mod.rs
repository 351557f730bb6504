//! Behaviours and the client programs as a person runs them, which connect to port 50051 and nowhere else.
//!
//! All of them share one listener, so that the tool has to find out which program has made a connection.
//!
//! - [`port_demultiplexer`], [`port_owner`], [`sock_diag`]: from port 50051 to the scripted server of a program
//! - [`suite`]: a behaviour at a program, from its start to what is observed, and the comparison of programs

pub(crate) mod port_demultiplexer;
pub(crate) mod port_owner;
#[cfg(target_os = "linux")]
pub(crate) mod sock_diag;
pub(crate) mod suite;
