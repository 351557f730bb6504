//! The TOML files: peers, their programs and what these can do, with errors that name file, line and key.
//!
//! - [`source`], [`embedded`], [`places`]: files, the cases in them, and placeholders
//! - [`peers`], [`peer`], [`program`], [`address`]: the peers of a run
//! - [`connection`], [`capability`]: what cases vary over and need of the peers

pub mod address;
pub mod capability;
pub(crate) mod connection;
pub(crate) mod embedded;
pub mod peer;
pub mod peers;
pub mod places;
pub mod program;
pub mod source;
