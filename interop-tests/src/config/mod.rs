//! The TOML files: peers, their programs and capabilities. Errors name the file, the line and the key.
//!
//! - `source`, `embedded`, `places`: files, the cases in them, and directories
//! - `peers`, `peer`, `program`, `address`, `languages`: the peers of a run
//! - `proxy`, `ignored_metadata`: the proxies between clients and servers, and the metadata that is not compared
//! - `template`, `variables`: placeholders in the entries of peers
//! - `descriptors`, `comparison`: the services of a user, and how they are compared
//! - `document`, `message_table`, `message_encoding`: messages in TOML and JSON files
//! - `similar`, `glob`: suggestions for names that do not exist, and patterns of names
//! - `connection`, `capability`: transports and compressions, and what cases need from peers

pub(crate) mod address;
pub(crate) mod capability;
pub(crate) mod comparison;
pub(crate) mod connection;
pub(crate) mod descriptors;
pub(crate) mod document;
pub(crate) mod embedded;
pub(crate) mod glob;
pub(crate) mod ignored_metadata;
pub(crate) mod languages;
pub(crate) mod message_encoding;
pub(crate) mod message_table;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod places;
pub(crate) mod program;
pub(crate) mod proxy;
pub mod similar;
pub(crate) mod source;
pub(crate) mod template;
pub(crate) mod variables;

pub(crate) use address::Attachment;
pub(crate) use capability::{Capability, ServerNeeds};
pub(crate) use comparison::{
    CaseSource, CompareSettings, DifferenceKind, Ignore, IgnoredPart, ResponsePart, Restart,
};
pub(crate) use connection::{
    Authority, ClientCertificate, ClientTls, ServerCertificate, Target, Transport, Variant, Vary,
};
pub(crate) use glob::glob;
pub(crate) use ignored_metadata::IgnoredMetadata;
pub use languages::{LanguageChoice, Pairs};
pub use peer::Peer;
pub use peers::Peers;
pub use places::Places;
pub use program::{CommandError, CommandLine, Inherits, Program};
pub(crate) use proxy::{Proxy, ProxySettings};
pub(crate) use source::ConfigError;
pub use source::Source;
pub use template::Template;
pub use variables::Assignment;
