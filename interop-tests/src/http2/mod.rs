//! HTTP/2 and gRPC as bytes, without a library, for both sides of a connection.
//!
//! Shared by the probes, which play a client, and the behaviours, which play a server.
//!
//! - [`frame`], [`any_frame`], [`header_block`], [`assembly`], [`window`], [`message`]: what goes
//!   over the wire
//! - [`pipe`]: the socket
//! - [`header_list`], [`body`], [`text`]: how the tables write it

pub(crate) mod any_frame;
pub(crate) mod assembly;
pub(crate) mod body;
pub mod frame;
pub mod header_block;
pub(crate) mod header_list;
pub(crate) mod message;
pub mod payload;
pub mod pipe;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod window;
