//! Addresses, ports and certificates on this machine.

pub(crate) mod addresses;
pub(crate) mod certificates;
pub mod tutorial_port;
