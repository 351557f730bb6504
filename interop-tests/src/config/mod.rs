//! The TOML files: peers, their programs and what these can do, with errors that name file, line and key.

pub(crate) mod address;
pub mod attachment;
pub mod axes;
pub(crate) mod credentials;
pub(crate) mod embedded;
pub mod peer;
pub mod peers;
pub mod places;
pub mod program;
pub mod server_options;
pub mod source;
pub(crate) mod target;
pub mod variables;
