//! Addresses, ports and credentials on this machine.

pub(crate) mod certificates;
pub mod port;
pub(crate) mod socket_paths;
pub mod tutorial_port;
pub(crate) mod unreachable;
