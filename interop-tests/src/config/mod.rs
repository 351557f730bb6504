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

pub(crate) use address::Attachment;
pub(crate) use capability::{Capability, ServerNeeds};
pub(crate) use connection::{
    Authority, ClientCertificate, ClientTls, ServerCertificate, Target, Transport, Variant, Vary,
};
pub(crate) use peer::Peer;
pub(crate) use peers::Peers;
pub(crate) use places::{Assignment, Places};
pub(crate) use program::{CommandError, CommandLine, Program};
pub(crate) use source::{ConfigError, Source};
