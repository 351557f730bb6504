//! HTTP/2 and gRPC framing for both sides of a connection, without a library.
//!
//! Probes of servers use it as a scripted client, and behaviours for clients as a scripted server.
//!
//! - [`frame`], [`header_block`], `body`: frames and their contents
//! - `frame_socket`, `endpoint`: one side of a connection
//! - `action`, `script`: the actions of a script
//! - `value`: numbers and bytes in tables

pub(crate) mod action;
pub(crate) mod body;
pub(crate) mod endpoint;
pub mod frame;
pub(crate) mod frame_socket;
pub mod header_block;
pub(crate) mod script;
pub(crate) mod value;

pub(crate) use action::{Action, AnyFrame};
pub(crate) use body::{Coding, Cut, Piece};
pub(crate) use endpoint::{Activity, Endpoint, Quiescence, Replies, Role, Stream, Timeout};
pub(crate) use frame::{Frame, FrameHeader};
pub(crate) use frame_socket::{Observer, Observers};
pub(crate) use header_block::{Block, BlockReader, Change, Field, Legal};
pub(crate) use script::{End, Message, Script};
pub(crate) use value::{Hex, Text, Value, Values};
