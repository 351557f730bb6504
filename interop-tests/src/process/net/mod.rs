//! Addresses, ports and certificates on this machine.

pub(crate) mod addresses;
pub(crate) mod certificates;
pub(crate) mod held_port;
pub mod tutorial_port;
