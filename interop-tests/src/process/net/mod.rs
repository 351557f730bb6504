//! Addresses, ports and certificates on this machine.

pub(crate) mod addresses;
pub(crate) mod certificates;
pub mod port;
pub mod tutorial_port;
